import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readIfThere, rulesOf } from "./leftovers.ts";

/** What an engine shows in the machine: programs, mounts, network links, control groups and chains of the firewall. */
export function listTraces(): readonly string[] {
  const programs = /^(podman|conmon|runc|netavark|aardvark-dns|catatonit|slirp4netns)$/;
  const running = globSync("/proc/[0-9]*").flatMap((folder) => {
    const program = readIfThere(join(folder, "comm")).trim();
    // One that is dead and that nobody has collected yet has no arguments any more.
    const isAlive = readIfThere(join(folder, "cmdline")) !== "";
    return isAlive && programs.test(program) ? [`process ${basename(folder)} ${program}`] : [];
  });
  const mounts = readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
  const groups = globSync(["/sys/fs/cgroup/libpod_parent", "/sys/fs/cgroup/*/libpod_parent"]);
  return [
    ...running,
    ...mounts.map((mount) => `mount ${mount}`),
    ...readdirSync("/sys/class/net").map((link) => `link ${link}`),
    ...groups.map((group) => `control group ${group}`),
    ...["nat", "filter"].flatMap((table) => rulesOf(table).map((rule) => `rule of ${table} ${rule}`)),
  ];
}
