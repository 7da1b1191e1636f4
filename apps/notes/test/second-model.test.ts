import { eq } from "@db/core";
import { defineModel, text } from "@db/models";
import * as v from "valibot";
import { expect, test } from "vitest";
import { noteResource } from "../src/notes.ts";
import type { Resource } from "../src/resource.ts";
import { json, note, problemIn, startApp } from "./harness.ts";

/** Another model, made here: no package and no file of the service knows of it. */
const taskModel = defineModel(
  "tasks",
  v.object({
    what: text({ min: 1, max: 20 }),
    due: v.optional(v.date()),
    effort: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
    changedAt: v.optional(v.date(), () => new Date()),
  }),
  { onUpdate: () => ({ changedAt: new Date() }) },
);
const taskResource: Resource = {
  noun: "task",
  model: taskModel,
  readOnly: ["changedAt"],
  order: ["due"],
  filters: {
    what: { meaning: "tasks of this name", schema: v.optional(v.string()), where: (what) => eq("what", what) },
  },
  example: { what: "Shop" },
};

test("a second model is served beside the first, documented and checked", async () => {
  const { app } = await startApp({ resources: [noteResource, taskResource] });
  const made = await app.request("/tasks", json("POST", { what: "Shop", due: "2026-12-24T18:00:00+01:00" }));
  expect(made.status).toBe(201);
  const task = (await made.json()) as { readonly id: string };
  expect(task).toEqual({
    id: expect.stringMatching(/^tasks:/),
    what: "Shop",
    due: "2026-12-24T17:00:00.000Z",
    effort: 1,
    changedAt: expect.any(String),
  });
  expect((await app.request(`/tasks/${task.id}`, json("PATCH", { effort: 3 }))).status).toBe(200);
  expect(await (await app.request("/tasks?what=Shop&order=due:desc")).json()).toMatchObject({
    items: [{ effort: 3 }],
    next: null,
  });
  expect((await app.request(`/notes/${task.id}`)).status).toBe(400);
  expect((await app.request("/notes", json("POST", note))).status).toBe(201);

  const document = (await (await app.request("/openapi.json")).json()) as {
    paths: object;
    components: { schemas: object };
  };
  expect(document.paths).toHaveProperty(["/tasks/{id}", "patch"]);
  expect(document.components.schemas).toHaveProperty(["NewTask", "properties", "due", "format"], "date-time");
});

test.each<[object, string, string]>([
  [{ what: "x", due: "tomorrow" }, "/due", "type"],
  [{ what: "x", due: "2026-02-30T00:00:00Z" }, "/due", "type"],
  [{ what: "x", due: 5 }, "/due", "type"],
  [{ what: "x", effort: -1 }, "/effort", "min_value"],
  [{ what: "x", effort: "1" }, "/effort", "type"],
  [{ what: "x", changedAt: "2026-12-24T18:00:00Z" }, "/changedAt", "unknown_field"],
])("%o is refused at %s", async (body, pointer, rule) => {
  const { app } = await startApp({ resources: [taskResource] });
  const answer = await app.request("/tasks", json("POST", body));
  expect(answer.status).toBe(400);
  expect((await problemIn(answer)).errors).toMatchObject([{ in: "body", pointer, rule }]);
});
