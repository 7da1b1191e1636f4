import { aborts } from "./aborts-theme.ts";
import { capabilities } from "./capabilities-theme.ts";
import { concurrency } from "./concurrency-theme.ts";
import type { Theme } from "./conformance-case.ts";
import { crud } from "./crud-theme.ts";
import { cursors } from "./cursors-theme.ts";
import { deadlines } from "./deadlines-theme.ts";
import { errors } from "./errors-theme.ts";
import { expectations } from "./expectation-theme.ts";
import { filterMeaning } from "./filter-meaning-theme.ts";
import { filters } from "./filters-theme.ts";
import { ids } from "./ids-theme.ts";
import { increments } from "./increment-theme.ts";
import { isolation } from "./isolation-theme.ts";
import { ledger } from "./ledger-theme.ts";
import { lifecycle } from "./lifecycle-theme.ts";
import { listeners } from "./listeners-theme.ts";
import { live } from "./live-theme.ts";
import { movingPages } from "./moving-pages-theme.ts";
import { nestedValues } from "./nested-values-theme.ts";
import { order } from "./order-theme.ts";
import { paging } from "./paging-theme.ts";
import { queries } from "./queries-theme.ts";
import { refusals } from "./refusals-theme.ts";
import { refusedValues } from "./refused-values-theme.ts";
import { scopes } from "./scopes-theme.ts";
import { hostileQueries } from "./text-query-theme.ts";
import { hostile } from "./text-theme.ts";
import { transactionBounds } from "./transaction-bounds-theme.ts";
import { transactionStatements } from "./transaction-statements-theme.ts";
import { transactions } from "./transactions-theme.ts";
import { updates } from "./update-theme.ts";
import { values } from "./values-theme.ts";
import { writeResults } from "./write-results-theme.ts";

/** All of the suite, in the order it runs. */
export const themes: readonly Theme[] = [
  crud,
  writeResults,
  updates,
  increments,
  expectations,
  ids,
  values,
  nestedValues,
  refusedValues,
  hostile,
  hostileQueries,
  filterMeaning,
  filters,
  order,
  paging,
  movingPages,
  cursors,
  errors,
  transactions,
  transactionStatements,
  isolation,
  transactionBounds,
  aborts,
  deadlines,
  listeners,
  concurrency,
  ledger,
  scopes,
  queries,
  live,
  ...refusals,
  capabilities,
  lifecycle,
];
