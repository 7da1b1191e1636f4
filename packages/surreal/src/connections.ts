import type { CreateContext } from "@db/pool";
import type { Connection } from "./connection.ts";
import { connectionError } from "./connection-errors.ts";
import { untilAborted } from "./until-aborted.ts";

/** The place of one statement on a connection: what the pool lends. */
export interface Channel {
  readonly connection: Connection;
}

interface ConnectionsOptions {
  readonly open: (signal: AbortSignal, onEnd: (cause: unknown) => void) => Promise<Connection>;
  readonly perConnection: number;
  readonly connectTimeoutMs: number;
  /** Older ones take no new channels, so that they end with those they have. */
  readonly maxAgeMs: number;
  /** For messages: the server, without credentials. */
  readonly server: string;
}

/** A connection that is being made or is there, and who shares it. */
interface Shared {
  readonly opening: Promise<Connection>;
  connection: Connection | undefined;
  /** By channel, the pool's ear for its loss. */
  readonly channels: Map<Channel, (cause: unknown) => void>;
  /** Those who wait for it to be there. */
  expected: number;
}

/** The connections behind the channels: each is filled before another is dialled, and closed when its last channel goes. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Shared>();
  readonly #closed = new AbortController();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** @throws DatabaseError */
  async take({ signal, lost }: CreateContext): Promise<Channel> {
    const shared = this.#withRoom() ?? this.#dial();
    shared.expected += 1;
    try {
      const connection = await untilAborted(shared.opening, signal);
      if (!connection.usable) throw new Error("the connection ended as soon as it was made");
      const channel: Channel = { connection };
      shared.channels.set(channel, lost);
      return channel;
    } catch (error) {
      throw connectionError(error, this.#options.server);
    } finally {
      shared.expected -= 1;
    }
  }

  async giveBack(channel: Channel): Promise<void> {
    for (const shared of this.#all) {
      if (!shared.channels.delete(channel)) continue;
      await this.#closeIfUnused(shared);
      return;
    }
  }

  /** A connection without channels is kept for its live queries, and closed after the last of them. */
  async release(connection: Connection): Promise<void> {
    for (const shared of this.#all) if (shared.connection === connection) await this.#closeIfUnused(shared);
  }

  /** Ends what is left, at once. */
  close(cause: unknown): void {
    this.#closed.abort(cause);
    for (const { connection } of this.#all) connection?.terminate(cause);
  }

  async #closeIfUnused(shared: Shared): Promise<void> {
    const { channels, expected, connection } = shared;
    const isLive = connection?.usable === true && (connection.watches?.size ?? 0) > 0;
    if (channels.size > 0 || expected > 0 || isLive) return;
    this.#all.delete(shared);
    await connection?.close();
  }

  #withRoom(): Shared | undefined {
    const { perConnection, maxAgeMs } = this.#options;
    const youngEnough = performance.now() - maxAgeMs;
    for (const shared of this.#all) {
      const { connection, channels, expected } = shared;
      if (channels.size + expected >= perConnection) continue;
      if (connection === undefined || (connection.usable && connection.bornAt > youngEnough)) return shared;
    }
    return undefined;
  }

  /** Not in the name of who asks first: others wait for it too, and it has a time of its own. */
  #dial(): Shared {
    const { open, connectTimeoutMs } = this.#options;
    const channels = new Map<Channel, (cause: unknown) => void>();
    const timer = new AbortController();
    const timeout = setTimeout(
      () => timer.abort(new Error(`no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    ).unref();
    const signal = AbortSignal.any([timer.signal, this.#closed.signal]);
    const onEnd = (cause: unknown): void => {
      // Over HTTP others may still be under way, each with its channel: it is closed with the last of them.
      if (channels.size === 0) this.#all.delete(shared);
      for (const lost of [...channels.values()]) lost(cause);
    };
    const opening = open(signal, onEnd).finally(() => clearTimeout(timeout));
    const shared: Shared = { opening, connection: undefined, channels, expected: 0 };
    this.#all.add(shared);
    opening.then(
      (connection) => {
        shared.connection = connection;
      },
      () => this.#all.delete(shared),
    );
    return shared;
  }
}
