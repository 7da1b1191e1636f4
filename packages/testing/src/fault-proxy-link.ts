import { connect, type Socket } from "node:net";
import { affects, type Fault } from "./fault-proxy-fault.ts";
import { FaultPipe, type Shape } from "./fault-proxy-pipe.ts";

/** Where the proxy leads. */
export interface FaultTarget {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly port: number;
}

export interface LinkEvents {
  passed(direction: "requests" | "answers", bytes: number): void;
  targetFailed(): void;
  closed(): void;
}

/** One connection of a client and its own to the target, which is dialled as soon as the fault lets a dial through. */
export class FaultLink {
  readonly #client: Socket;
  readonly #to: FaultTarget;
  readonly #events: LinkEvents;
  #fault: Fault = { kind: "up" };
  #allowance = { bytes: Number.POSITIVE_INFINITY };
  #target: Socket | undefined;
  #pipes: { readonly requests: FaultPipe; readonly answers: FaultPipe } | undefined;
  /** The end of a connection that a black hole keeps from the other side, by the side it came from. */
  readonly #broken = new Set<"requests" | "answers">();
  #open = 1;

  /** @param client not yet read from */
  constructor(client: Socket, to: FaultTarget, fault: Fault, events: LinkEvents) {
    this.#client = client;
    this.#to = to;
    this.#events = events;
    this.#watch(client, "requests");
    this.set(fault);
  }

  set(fault: Fault): void {
    this.#fault = fault;
    this.#allowance = { bytes: fault.kind === "cut" ? fault.afterBytes : Number.POSITIVE_INFINITY };
    if (fault.kind === "reset" || fault.kind === "refuse") {
      this.reset();
      return;
    }
    if (this.#pipes === undefined) this.#dial();
    this.#pipes?.requests.reshape(this.#shape("requests"));
    this.#pipes?.answers.reshape(this.#shape("answers"));
    for (const direction of this.#broken) this.#pass(direction);
  }

  reset(): void {
    this.#close(abort);
  }

  /** A handshake needs the way there; the way back it does without, for our own kernel answers. */
  #dial(): void {
    if (this.#holds("requests") || this.#client.destroyed) return;
    const { host = "127.0.0.1", port } = this.#to;
    const target = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#target = target;
    this.#open += 1;
    let connected = false;
    target.once("connect", () => {
      connected = true;
    });
    target.once("error", () => {
      if (!connected) this.#events.targetFailed();
    });
    this.#watch(target, "answers");
    const end = (): void => this.#close((socket) => socket.destroySoon());
    this.#pipes = {
      requests: new FaultPipe(this.#client, target, this.#shape("requests"), {
        passed: (bytes) => this.#events.passed("requests", bytes),
        cut: end,
      }),
      answers: new FaultPipe(target, this.#client, this.#shape("answers"), {
        passed: (bytes) => this.#events.passed("answers", bytes),
        cut: end,
      }),
    };
  }

  /** What breaks on one side breaks on the other, as soon as the fault lets that news through. */
  #watch(socket: Socket, direction: "requests" | "answers"): void {
    socket.on("error", () => this.#broken.add(direction));
    socket.on("close", () => {
      this.#open -= 1;
      if (this.#open === 0) this.#events.closed();
      if (this.#broken.has(direction)) this.#pass(direction);
    });
  }

  #pass(broken: "requests" | "answers"): void {
    if (this.#holds(broken)) return;
    const [other, pipe] =
      broken === "requests" ? [this.#target, this.#pipes?.requests] : [this.#client, this.#pipes?.answers];
    pipe?.close();
    if (other !== undefined) abort(other);
  }

  #close(end: (socket: Socket) => void): void {
    this.#pipes?.requests.close();
    this.#pipes?.answers.close();
    for (const socket of [this.#client, this.#target]) {
      if (socket !== undefined && !socket.destroyed) end(socket);
    }
  }

  #holds(direction: "requests" | "answers"): boolean {
    return this.#fault.kind === "black-hole" && affects(this.#fault, direction);
  }

  #shape(direction: "requests" | "answers"): Shape {
    const fault = this.#fault;
    const slow = fault.kind === "slow" && affects(fault, direction) ? fault : undefined;
    return {
      held: this.#holds(direction),
      latencyMs: slow?.latencyMs ?? 0,
      jitterMs: slow?.jitterMs ?? 0,
      bytesPerSecond: slow?.bytesPerSecond ?? Number.POSITIVE_INFINITY,
      allowance:
        fault.kind === "cut" && affects(fault, direction) ? this.#allowance : { bytes: Number.POSITIVE_INFINITY },
    };
  }
}

/**
 * A socket that still dials would wait for its connection before it resets it; one that is about to send its end refuses the
 * reset and would stay open.
 */
function abort(socket: Socket): void {
  if (socket.destroyed) return;
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
