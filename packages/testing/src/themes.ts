import type { Theme } from "./conformance-case.ts";
import { crud } from "./crud-theme.ts";
import { filters } from "./filters-theme.ts";
import { ids } from "./ids-theme.ts";
import { order } from "./order-theme.ts";
import { paging } from "./paging-theme.ts";
import { hostile } from "./text-theme.ts";
import { updates } from "./update-theme.ts";
import { values } from "./values-theme.ts";

/** All of the suite, in the order it runs. */
export const themes: readonly Theme[] = [crud, updates, ids, values, hostile, filters, order, paging];
