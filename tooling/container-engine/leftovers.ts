import { spawnSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import type { EngineHome } from "./engine-home.ts";
import { execute } from "./system.ts";

/** What podman leaves in the kernel when its last container is gone, undone. */
export function removeLeftovers(home: EngineHome): void {
  for (const pid of processesOf(home)) tryToKill(pid);
  // The innermost first.
  for (const mount of mountsOf(home).toReversed()) execute("umount", ["--lazy", mount]);
  removeNetwork();
  removeNamespaceFolder();
  removeControlGroups();
}

/** Processes whose command line names something in the folder of the engine: monitors, the name server, runtimes. */
export function processesOf(home: EngineHome): readonly number[] {
  const callers = new Set(ownAncestry());
  return globSync("/proc/[0-9]*/cmdline")
    .filter((file) =>
      readIfThere(file)
        .split("\0")
        .some((argument) => argument.includes(`${home.folder}/`)),
    )
    .map((file) => Number(file.split("/")[2]))
    .filter((pid) => !callers.has(pid));
}

/** This process, and those that wait for it: a shell or npm that was told the folder has it in its command line too. */
function ownAncestry(): readonly number[] {
  const found: number[] = [];
  for (let pid = process.pid; pid > 0; pid = parentOf(pid)) found.push(pid);
  return found;
}

/** 0 for one without a parent, or that is gone. */
function parentOf(pid: number): number {
  // The name of the program, in parentheses, may have any character.
  return Number(/^.*\) \S (\d+)/s.exec(readIfThere(`/proc/${pid}/stat`))?.[1] ?? 0);
}

export function mountsOf(home: EngineHome): readonly string[] {
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => target.startsWith(`${home.folder}/`));
}

const bridge = "podman0";

/** The bridge and the chains are shared by every podman of the machine: they go only when no container uses them. */
function removeNetwork(): void {
  const inUse = existsSync(`/sys/class/net/${bridge}/brif`) && globSync(`/sys/class/net/${bridge}/brif/*`).length > 0;
  if (inUse) return;
  if (existsSync(`/sys/class/net/${bridge}`)) execute("ip", ["link", "delete", bridge]);
  for (const table of ["nat", "filter"]) {
    const rules = rulesOf(table);
    const chains = rules.flatMap((rule) => /^-N (NETAVARK\S*)/.exec(rule)?.[1] ?? []);
    for (const rule of rules.filter((line) => /^-A (?!NETAVARK).*NETAVARK/.test(line))) {
      execute("iptables", ["-t", table, "-D", ...splitRule(rule.slice("-A ".length))]);
    }
    for (const chain of chains) execute("iptables", ["-t", table, "-F", chain]);
    for (const chain of chains) execute("iptables", ["-t", table, "-X", chain]);
  }
}

/** Those of podman's network; none where `iptables` is not installed. */
export function rulesOf(table: string): readonly string[] {
  const { stdout } = spawnSync("iptables", ["-t", table, "-S"], { encoding: "utf8" });
  return stdout?.split("\n").filter((rule) => rule.includes("NETAVARK")) ?? [];
}

const namespaces = "/run/netns";

/** Podman mounts it onto itself for the network namespaces of containers; `ip netns` makes it anew where it is needed. */
function removeNamespaceFolder(): void {
  const isMounted = readFileSync("/proc/mounts", "utf8").includes(` ${namespaces} `);
  if (isMounted && readdirSync(namespaces).length === 0) execute("umount", [namespaces]);
}

/** The groups that containers ran in, empty now. With version 1 there is one in each hierarchy. */
function removeControlGroups(): void {
  const groups = globSync(["/sys/fs/cgroup/libpod_parent", "/sys/fs/cgroup/*/libpod_parent"]);
  const inner = groups.flatMap((group) => globSync(`${group}/**/`).map((path) => path.replace(/\/$/, "")));
  for (const group of [...new Set([...groups, ...inner])].sort((a, b) => b.length - a.length)) {
    try {
      rmdirSync(group);
    } catch (error) {
      // Another engine of this machine has containers in it.
      if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) throw error;
    }
  }
}

/** `iptables -S` puts comments in quotes. */
function splitRule(rule: string): readonly string[] {
  return [...rule.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

function tryToKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It went by itself meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

export function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A process may end between the list and the look.
    return "";
  }
}
