import type { Scenario } from "./scenarios.ts";

/** The same numbers for the same seed (mulberry32, Tommy Ettinger). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const kinds = ["cut", "cut-past-limit", "black-hole", "flap", "kill-database", "kill-service", "kill-in-cut"] as const;

function refusesOf(kind: (typeof kinds)[number]): Pick<Scenario, "refuses"> {
  if (kind === "cut-past-limit") return { refuses: "must" };
  return kind === "cut" || kind === "black-hole" ? {} : { refuses: "may" };
}

/** A cut, some flaps or a kill, of random lengths: one kind of cut goes on past the limit, all else ends within it. */
export function randomScenario(index: number, random: () => number): Scenario {
  const kind = kinds[Math.floor(random() * kinds.length)] ?? "cut";
  const [a, b, c] = [random(), random(), random()];
  return {
    name: `${index}:${kind}`,
    title: kind,
    ...refusesOf(kind),
    async play({ proxy, database, service, limitMs, wait }) {
      const short = limitMs * (0.1 + 0.5 * a);
      switch (kind) {
        case "cut":
        case "black-hole":
          await proxy.set(kind === "cut" ? "refuse" : "black-hole");
          await wait(short);
          await proxy.set("up");
          return;
        case "cut-past-limit":
          await proxy.set("refuse");
          await wait(limitMs + 1_200 + 800 * a);
          await proxy.set("up");
          return;
        case "flap":
          for (let times = 0; times < 2 + Math.floor(3 * b); times += 1) {
            await proxy.set(random() < 0.5 ? "refuse" : "reset");
            await wait(50 + 250 * c);
            await proxy.set("up");
            await wait(50 + 300 * a);
          }
          return;
        case "kill-database":
          await wait(300 * a);
          await database.kill();
          await wait(300 * b);
          await database.restart();
          return;
        case "kill-service":
          await wait(500 * a);
          await service.kill();
          await service.start();
          return;
        default: {
          await proxy.set("refuse");
          await wait(short);
          await service.kill();
          if (b < 0.5) await proxy.set("up");
          const goUp = async (): Promise<void> => {
            await wait(200 * c);
            await proxy.set("up");
          };
          await Promise.all([service.start(), goUp()]);
        }
      }
    },
  };
}
