import { copyFileSync, globSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execute } from "./system.ts";

/** What the C library loads by name, so that no program lists it: how names are resolved. */
const loadedByName = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/** Makes the files of an image from those of this machine: Node, a shell, the libraries they need, and a program, which is moved. */
export function makeRootFilesystem(rootfs: string, app: string, node: string): void {
  for (const folder of ["bin", "etc", "tmp", "data", "proc", "sys", "dev"]) {
    mkdirSync(join(rootfs, folder), { recursive: true });
  }
  const addons = globSync("**/*.node", { cwd: app }).map((path) => join(app, path));
  // Addons for other systems would only be weight.
  const foreign = addons.filter((path) => !isForThisMachine(path));
  for (const path of foreign) rmSync(path);
  copy(node, join(rootfs, "bin/node"));
  copy("/bin/busybox", join(rootfs, "bin/busybox"));
  symlinkSync("busybox", join(rootfs, "bin/sh"));
  const programs = [node, ...addons.filter((path) => !foreign.includes(path))];
  const libraries = new Set(programs.flatMap(librariesOf));
  for (const folder of new Set([...libraries].map((path) => dirname(path)))) {
    for (const name of loadedByName) for (const path of globSync(join(folder, name))) libraries.add(path);
  }
  for (const library of libraries) copy(library, join(rootfs, library));
  renameSync(app, join(rootfs, "app"));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/** An ELF file begins with its class and, at byte 18, its machine; `ldd` refuses what this machine cannot load. */
function isForThisMachine(path: string): boolean {
  return /linux-(x64|arm64)-gnu/.test(path) && path.includes(`linux-${process.arch}-gnu`);
}

function librariesOf(program: string): readonly string[] {
  return [...execute("ldd", [program]).matchAll(/(?:=> |^\s*)(\/\S+\.so\S*)/gm)].map(([, path = ""]) => path);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
