import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { LabState } from "../src/ops-feed.ts";
import type { Lab, Report } from "./lab.ts";
import { scenarios } from "./scenarios.ts";

/** Where the service's page asks how the lab is, and starts scenarios. On loopback, behind a path that nobody can guess. */
export class Control {
  readonly url: string;
  readonly #server: Server;
  readonly #secret: string;
  readonly #onReport: (report: Report) => void;
  readonly #reports: Report[] = [];
  lab: Lab | undefined;

  static async start(onReport: (report: Report) => void): Promise<Control> {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    return new Control(server, onReport);
  }

  private constructor(server: Server, onReport: (report: Report) => void) {
    this.#server = server;
    this.#onReport = onReport;
    this.#secret = randomBytes(16).toString("hex");
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${this.#secret}`;
    server.on("request", (request, response) => {
      const [, secret, action, name] = (request.url ?? "").split("/");
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (secret !== this.#secret) answer(404, {});
      else if (request.method === "GET" && action === "state") answer(200, this.#state());
      else if (request.method === "POST" && action === "play") answer(this.#play(name ?? ""), this.#state());
      else answer(404, {});
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #play(name: string): number {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) return 404;
    if (this.lab === undefined || this.lab.playing !== undefined) return 409;
    this.lab.play(scenario).then(
      (report) => {
        this.#reports.push(report);
        this.#onReport(report);
      },
      (error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)),
    );
    return 202;
  }

  #state(): LabState {
    const { lab } = this;
    return {
      playing: lab?.playing ?? null,
      tally: lab?.tally ?? null,
      scenarios: scenarios.map(({ name, title }) => ({ name, title })),
      last: this.#reports.at(-1) ?? null,
    };
  }
}
