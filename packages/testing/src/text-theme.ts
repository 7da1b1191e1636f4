import assert from "node:assert/strict";
import { eq, type Fields, isIn, type Statements } from "@db/core";
import { isStored } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { hostileText } from "./hostile-text.ts";
import { each, field } from "./text-checks.ts";

export const hostile: Theme = {
  name: "hostile text",
  cases: {
    "is kept as a value": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, { text, list: [text], nested: { text } }));
    },

    "is kept as the name of a field": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, field(text, 1)));
      await roundTrip(db, collection, Object.assign({}, ...hostileText.map((text, n) => field(text, n))));
    },

    "is kept as the name of a nested field": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, { nested: field(text, field(text, [field(text, 1)])) }));
    },

    "a nested field may be called id": async ({ db, collection }) => {
      await roundTrip(db, collection, { nested: { id: "x", n: { id: `${collection}:1` } }, list: [{ id: 1 }] });
    },

    "can be set, removed and incremented as a field by update": async ({ db, collection }) => {
      await each(async (text) => {
        const { id } = await db.create(collection, { kept: true });
        await db.update(id, field(text, "set"));
        await isStored(db, id, { kept: true, ...field(text, "set") });
        await db.update(id, { [text]: undefined });
        await isStored(db, id, { kept: true });
        await db.update(id, field(text, 2), { mode: "increment", expect: field(text, null) });
        await db.update(id, field(text, 3), { mode: "increment", expect: field(text, 2) });
        await isStored(db, id, { kept: true, ...field(text, 5) });
        await db.update(id, field(text, 1), { mode: "replace" });
        await isStored(db, id, field(text, 1));
      });
    },

    "cannot reach another collection": async ({ db, collection }) => {
      const bystander = `${collection}_bystander`;
      const { id } = await db.create(bystander, { untouched: true });
      const attacks = [
        `x'; DELETE ${bystander}; --`,
        `x"; DELETE ${bystander}; --`,
        `x\`; DELETE ${bystander}; --`,
        `x⟩; DELETE ${bystander}; --`,
        `x\\'; DELETE ${bystander}; --`,
        `x; DROP TABLE ${bystander}; --`,
        `x UNION SELECT * FROM ${bystander}`,
      ];
      for (const attack of attacks) {
        const made = await db.create(collection, field(attack, attack), { id: `${collection}:${attack}` });
        await db.update(made.id, { ...field(attack, undefined as never), more: attack });
        const page = await db.find(collection, { where: eq(attack, attack), order: [[attack, "desc"]] });
        assert.deepEqual(page.items, []);
        await db.count(collection, isIn(attack, [attack]));
        await db.delete(made.id, { expect: { more: attack } });
      }
      await isStored(db, id, { untouched: true });
      assert.equal(await db.count(bystander), 1);
    },
  },
};

async function roundTrip(db: Statements, collection: string, data: Fields): Promise<void> {
  const { id } = await db.create(collection, data);
  await isStored(db, id, data);
}
