import { startSurreal } from "@db/testing";
import { Surreal } from "surrealdb";
import { expect, test } from "vitest";

const user = { username: "root", password: "root" };

for (const engine of ["rocksdb", "surrealkv"] as const) {
  test(`${engine}: what was acknowledged is there after kill -9 and restart`, async () => {
    await using server = await startSurreal({ engine });
    const before = new Surreal();
    await before.connect(server.url, { namespace: "n", database: "d", authentication: user, reconnect: false });
    await before.query("CREATE a:1 SET n = 1");
    const pid = server.pid;
    await server.kill();
    expect(server.pid).toBeUndefined();
    await server.restart();
    expect(server.pid).not.toBe(pid);
    const after = new Surreal();
    await after.connect(server.url, { namespace: "n", database: "d", authentication: user });
    expect(await after.query("SELECT VALUE n FROM a")).toEqual([[1]]);
    await after.close();
  });
}
