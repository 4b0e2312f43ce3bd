/*
 * Two processes and their parent share one order. Run it:
 *
 *   node examples/log.ts
 */
import { fileURLToPath } from "node:url";
import { attachLog, createLog } from "../src/node/log.ts";

const GREETING = 1;
const MEMBERS = 2;
const [name] = process.argv.slice(2);

if (name === undefined) {
  using log = createLog({ members: MEMBERS });
  const seen: string[] = [];
  const all = Promise.withResolvers<void>();
  await log.read((record) => {
    const text = Buffer.from(record.bytes.subarray(record.start, record.start + record.length)).toString();
    seen.push(text);
    console.log(`#${record.sequence} from process ${record.process}: ${text}`);
    if (seen.length === MEMBERS) all.resolve();
  });
  const self = fileURLToPath(import.meta.url);
  const members = ["ada", "grace"].map((member) => log.spawn([self, member]));
  await all.promise;
  for (const { child } of members) child.kill();
  await Promise.all(members.map(({ child }) => new Promise((resolve) => child.once("exit", resolve))));
} else {
  const log = attachLog();
  log.append(GREETING, Buffer.from(`hello from ${name}`));
}
