import { contains, eq, or } from "@db/core";
import { noteModel, text } from "@db/models";
import * as v from "valibot";
import type { Resource } from "./resource.ts";

/** The notes, as the service offers them at `/notes`. */
export const noteResource: Resource = {
  noun: "note",
  model: noteModel,
  readOnly: ["createdAt", "updatedAt"],
  order: ["createdAt", "updatedAt", "title", "author"],
  filters: {
    author: {
      meaning: "notes of this author",
      schema: v.optional(text({ min: 1, max: 100 })),
      where: (author) => eq("author", author),
    },
    tag: {
      meaning: "notes with this tag",
      schema: v.optional(text({ min: 1, max: 50 })),
      where: (tag) => contains("tags", tag),
    },
    q: {
      meaning: "notes with this text in their title or content; upper and lower case differ",
      schema: v.optional(text({ min: 1, max: 200 })),
      where: (words) => or(contains("title", words), contains("content", words)),
    },
  },
  example: { title: "Milk", content: "Two litres.", author: "ada", tags: ["shopping"] },
};
