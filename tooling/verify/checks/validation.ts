import { createDatabase, isDatabaseError } from "@db/core";
import { noteModel, repository } from "@db/models";
import { MockDatabase } from "@db/testing";
import type { Check } from "../check.ts";
import { jsonRequest } from "../requests.ts";
import { startNotes } from "../service.ts";

const WRONG = { title: "", content: 7, author: "ada" };

export const validation: Check = {
  name: "validation",
  about: "wrong input is refused field by field, before the database sees it",
  async run({ claim }, ground) {
    const mock = new MockDatabase();
    const db = ground.use(createDatabase({ driver: mock }));
    await db.connect();
    const before = mock.calls.length;
    const error = await repository(db, noteModel)
      .create(WRONG as never)
      .catch((thrown: unknown) => thrown);
    const fields =
      isDatabaseError(error) && error.code === "VALIDATION_FAILED"
        ? error.facts.issues.map(({ path }) => path.join("."))
        : [];
    claim("a repository names every wrong field", fields.sort().join() === "content,title", fields.join(", "));
    const calls = mock.calls.length - before;
    claim("… and calls nothing", calls === 0, `${calls} calls`);

    const { url } = await startNotes(ground, { SURREAL_URL: "mem://" });
    const answer = await fetch(`${url}/notes`, jsonRequest("POST", WRONG));
    const problem = (await answer.json()) as { readonly errors?: readonly { readonly pointer: string }[] };
    const pointers = problem.errors?.map(({ pointer }) => pointer).sort() ?? [];
    claim(
      "the service answers 400 with a pointer to each",
      answer.status === 400 && pointers.join() === "/content,/title",
      `${answer.status} ${pointers.join(" ")}`,
    );
    const type = answer.headers.get("content-type");
    claim("… in a problem document", type === "application/problem+json", String(type));
    const cut = await fetch(`${url}/notes`, { ...jsonRequest("POST", {}), body: '{"title":' });
    claim("broken JSON is 400", cut.status === 400, String(cut.status));
    const large = await fetch(`${url}/notes`, jsonRequest("POST", { ...WRONG, content: "x".repeat(1_000_000) }));
    claim("a body that is too large is 413", large.status === 413, String(large.status));
  },
};
