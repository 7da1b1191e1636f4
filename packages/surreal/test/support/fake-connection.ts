import type { Connection, ServerSession } from "../../src/connection.ts";
import { SURREAL_3 } from "../../src/dialect.ts";
import { LiveWatches } from "../../src/live-watches.ts";
import type { RpcReceiver, RpcRequest } from "../../src/rpc.ts";

const scope = { namespace: "n", database: "d" };

/** A connection in the hands of the test. */
export class FakeConnection implements Connection {
  readonly features = { version: "3.0.2", sessions: true, transactions: true, live: true, dialect: SURREAL_3 };
  usable = true;
  readonly bornAt = 0;
  readonly watches: LiveWatches = new LiveWatches();
  readonly sent: { readonly request: RpcRequest; readonly session: ServerSession; readonly receiver: RpcReceiver }[] =
    [];
  readonly next: ServerSession = { scope, users: 0 };
  replacing: Promise<ServerSession> = Promise.resolve(this.next);
  inFlight = 0;
  suspected = 0;
  retired = 0;
  terminated = 0;

  session(): ServerSession {
    return { scope, users: 0 };
  }
  replace(): Promise<ServerSession> {
    return this.replacing;
  }
  send(request: RpcRequest, session: ServerSession, receiver: RpcReceiver): void {
    this.inFlight += 1;
    this.sent.push({ request, session, receiver });
  }
  done(): void {
    this.inFlight -= 1;
  }
  keep(): void {
    this.inFlight += 1;
  }
  isAlive(): Promise<boolean> {
    return Promise.resolve(true);
  }
  suspect(): void {
    this.suspected += 1;
  }
  retire(): void {
    this.retired += 1;
  }
  async close(): Promise<void> {}
  terminate(): void {
    this.terminated += 1;
  }
  last(): RpcReceiver {
    const receiver = this.sent.at(-1)?.receiver;
    if (receiver === undefined) throw new Error("expected something to be sent");
    return receiver;
  }
}
