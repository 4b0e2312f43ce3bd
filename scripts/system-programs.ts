/*
 * The programs of the system that tests and benchmarks need. Where one is missing it is installed, if this is Debian
 * and we may; else this fails and names what to install. Nothing is skipped for want of a program.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

interface SystemProgram {
  readonly program: string;
  readonly debianPackage: string;
  readonly why: string;
}

const PROGRAMS: readonly SystemProgram[] = [
  {
    program: "tmux",
    debianPackage: "tmux",
    why: "a terminal with a screen that tests can read, for chorus join",
  },
  { program: "nc.openbsd", debianPackage: "netcat-openbsd", why: "the plainest of all clients" },
  { program: "telnet", debianPackage: "telnet", why: "a client that ends lines with CR LF and negotiates" },
  {
    program: "weechat-headless",
    debianPackage: "weechat-headless",
    why: "an IRC client in use by many, without a screen",
  },
  { program: "irssi", debianPackage: "irssi", why: "another one, with other habits, on a terminal" },
  { program: "redis-server", debianPackage: "redis-server", why: "a rival in bench/log.ts" },
  { program: "ngircd", debianPackage: "ngircd", why: "a rival in bench/chat.ts" },
  { program: "inspircd", debianPackage: "inspircd", why: "a rival in bench/chat.ts" },
];

/** Tells Debian's packages not to start what they install: benchmarks start their own, on a spare port. */
const POLICY_FILE = "/usr/sbin/policy-rc.d";

function isInstalled(program: string): boolean {
  const folders = (process.env["PATH"] ?? "")
    .split(delimiter)
    .concat("/usr/bin", "/usr/sbin", "/bin", "/sbin");
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missingPrograms(): SystemProgram[] {
  return PROGRAMS.filter(({ program }) => !isInstalled(program));
}

function install(packages: readonly string[]): void {
  const ownPolicy = !existsSync(POLICY_FILE);
  if (ownPolicy) writeFileSync(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    aptGet("update");
    aptGet("install", "--yes", "--no-install-recommends", ...packages);
  } finally {
    if (ownPolicy) rmSync(POLICY_FILE);
  }
}

/** A failure is no error here: what counts is whether the programs are there afterwards. */
function aptGet(...words: string[]): void {
  const { status, error } = spawnSync("apt-get", ["--quiet", ...words], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) console.error(`apt-get ${words[0]} failed: ${error?.message ?? `exit code ${status}`}`);
}

const missing = missingPrograms();
const packages = missing.map(({ debianPackage }) => debianPackage);
const mayInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
if (missing.length > 0 && mayInstall) {
  console.log(`installing what the tests need: ${packages.join(" ")}`);
  install(packages);
}
const stillMissing = missingPrograms();
if (stillMissing.length > 0) {
  console.error("The tests need programs that are not installed:");
  for (const { program, debianPackage, why } of stillMissing) {
    console.error(`  ${program} (package ${debianPackage}): ${why}`);
  }
  const command = `apt-get install ${stillMissing.map(({ debianPackage }) => debianPackage).join(" ")}`;
  console.error(`On Debian: sudo ${command}`);
  process.exitCode = 1;
}
