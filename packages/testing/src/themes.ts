import { bounds } from "./bounds-theme.ts";
import {
  capabilities,
  live,
  queries,
  scopes,
  withoutLedger,
  withoutLive,
  withoutQueries,
  withoutScopes,
} from "./capabilities-theme.ts";
import { concurrency } from "./concurrency-theme.ts";
import type { Theme } from "./conformance-case.ts";
import { crud } from "./crud-theme.ts";
import { errors } from "./errors-theme.ts";
import { filters } from "./filters-theme.ts";
import { ids } from "./ids-theme.ts";
import { ledger } from "./ledger-theme.ts";
import { lifecycle } from "./lifecycle-theme.ts";
import { order } from "./order-theme.ts";
import { paging } from "./paging-theme.ts";
import { hostile } from "./text-theme.ts";
import { transactions, withoutTransactions } from "./transactions-theme.ts";
import { updates } from "./update-theme.ts";
import { values } from "./values-theme.ts";

/** All of the suite, in the order it runs. */
export const themes: readonly Theme[] = [
  crud,
  updates,
  ids,
  values,
  hostile,
  filters,
  order,
  paging,
  errors,
  transactions,
  withoutTransactions,
  bounds,
  concurrency,
  ledger,
  withoutLedger,
  scopes,
  withoutScopes,
  queries,
  withoutQueries,
  live,
  withoutLive,
  capabilities,
  lifecycle,
];
