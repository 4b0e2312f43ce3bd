#!/usr/bin/env node
// The one file that every Node since 12 must be able to parse: it finds a Node that can run the rest, and runs it there.
import childProcess from "child_process";
import fs from "fs";
import module from "module";
import os from "os";
import { fileURLToPath } from "url";

const NEEDED_MAJOR = 24;
const root = new URL("../", import.meta.url);

/** "v24.1.0" or "24.1.0": 24. */
function majorOf(version) {
  return Number(version.replace(/^v/, "").split(".")[0]);
}

async function run() {
  const fromSources = fs.existsSync(new URL("src/", root));
  if (fromSources && !process.env.NODE_COMPILE_CACHE) {
    // From the second run on, the sources' types are stripped already; child processes find the cache in their
    // environment. Where the folder cannot be written, the call says so in its result and everything works, slower.
    const cache = fileURLToPath(new URL("node_modules/.cache/chorus", root));
    module.enableCompileCache(cache);
    process.env.NODE_COMPILE_CACHE = cache;
  }
  await import(new URL(fromSources ? "src/cli/main.ts" : "dist/cli/main.js", root).href);
}

/** The path of the Node that this package brings along, or null: it stands in our development dependencies alone. */
function findPinnedNode() {
  const path = fileURLToPath(new URL("node_modules/.bin/node", root));
  if (!fs.existsSync(path)) return null;
  const told = childProcess.spawnSync(path, ["--version"], { encoding: "utf8" });
  return told.status === 0 && majorOf(told.stdout) >= NEEDED_MAJOR ? path : null;
}

/**
 * Whether we are in the foreground of a terminal. A Ctrl-C there reaches the whole process group, our child included:
 * passing it on would make two of one, and the second hurries a server that is ending in good order.
 */
function inForeground() {
  try {
    const stat = fs.readFileSync("/proc/self/stat", "utf8");
    // After the name, which may hold anything: state, parent, group, session, terminal, the terminal's foreground group.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[4]) !== 0 && fields[2] === fields[5];
  } catch {
    // No /proc: not Linux. With a terminal on our input we are most likely in its foreground.
    return Boolean(process.stdin.isTTY);
  }
}

/** Runs this program again, on that Node, and ends as it ends. Flags of the old Node are not for the new one. */
function startAgainWith(node) {
  const child = childProcess.spawn(node, process.argv.slice(1), { stdio: "inherit" });
  const fromTerminal = ["SIGINT", "SIGQUIT"];
  const forwarded = fromTerminal.concat(["SIGTERM", "SIGHUP", "SIGUSR2"]);
  forwarded.forEach((signal) => {
    process.on(signal, () => {
      if (fromTerminal.includes(signal) && inForeground()) return;
      child.kill(signal);
    });
  });
  child.on("error", (error) => {
    process.stderr.write(`chorus: ${node} could not be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    forwarded.forEach((name) => process.removeAllListeners(name));
    process.kill(process.pid, signal);
    // Still here: a signal that this process was told to ignore. A shell would report it with this number.
    process.exit(128 + os.constants.signals[signal]);
  });
}

if (majorOf(process.versions.node) >= NEEDED_MAJOR) {
  void run();
} else {
  const pinned = findPinnedNode();
  if (pinned === null) {
    process.stderr.write(
      `chorus needs Node ${NEEDED_MAJOR} or later; this is Node ${process.versions.node}.\n` +
        "In a checkout of the sources, `npm ci` brings the right one along. Elsewhere, get it from https://nodejs.org\n" +
        `or with a version manager (\`nvm install ${NEEDED_MAJOR}\`, \`fnm install ${NEEDED_MAJOR}\`).\n`,
    );
    process.exitCode = 1;
  } else {
    startAgainWith(pinned);
  }
}
