import { createDatabase, isDatabaseError } from "@db/core";
import { defineModel, repository, text } from "@db/models";
import { surreal } from "@db/surreal";
import * as v from "valibot";

const taskModel = defineModel(
  "tasks",
  v.object({ what: text({ min: 1, max: 200 }), done: v.optional(v.boolean(), false) }),
);

await using db = createDatabase({ driver: surreal({ url: "mem://", namespace: "home", database: "main" }) });
await db.connect();
const tasks = repository(db, taskModel);
const { id } = await tasks.create({ what: "Buy milk" });
await tasks.update(id, { done: true });
console.log((await tasks.findById(id))?.done);

try {
  await tasks.create({ what: "" });
} catch (error) {
  if (!isDatabaseError(error) || error.code !== "VALIDATION_FAILED") throw error;
  for (const { path, expected } of error.facts.issues) console.log(`${path.join(".")}: expected ${expected}`);
}
