import { createServer } from "node:http";
import { type DatabaseService, toProblem } from "@db/core";

export const serve = (db: DatabaseService) =>
  createServer(async (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const note = await db.read(`notes:${request.url?.slice(1)}`, { signal: gone.signal });
      response.writeHead(note === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(note ?? { detail: "no such note" }));
    } catch (error) {
      const problem = toProblem(error);
      response.setHeader("content-type", "application/problem+json");
      if (problem.retryAfter !== undefined) response.setHeader("retry-after", problem.retryAfter);
      response.writeHead(problem.status);
      response.end(JSON.stringify(problem));
    }
  });
