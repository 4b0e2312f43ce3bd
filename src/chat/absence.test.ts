/* Who stays without a client, what that person missed, and names that nobody has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ChatRecord,
  type Effect,
  FIRST_ACCOUNT,
  apply,
  createState,
  endConversation,
  restoreSnapshot,
  takeSnapshot,
} from "./index.ts";

const HISTORY = 9;
const WORKER = 3;
const PERSON = FIRST_ACCOUNT;
const NO_TEXT = new Uint8Array(0);

class Log {
  state = createState();
  sequence = 100;

  say(record: ChatRecord, from: number = WORKER): readonly Effect[] {
    this.sequence += 1;
    return apply(this.state, record, from, this.sequence, this.sequence * 1000);
  }

  /** A client that is logged in as alice, with a name of its own to come in by. */
  logIn(session: number): readonly Effect[] {
    this.say({ kind: "seat", session, process: WORKER, protocol: "irc", host: "" }, 0);
    this.say({ kind: "login", session, person: PERSON }, HISTORY);
    return this.register(session, "alice");
  }

  register(session: number, nick: string): readonly Effect[] {
    const names = { nick, displayName: nick, user: nick, realName: nick };
    return this.say({ kind: "register", session, derived: false, ...names });
  }

  leave(session: number): readonly Effect[] {
    return this.say({ kind: "leave", session, reason: "quit", text: NO_TEXT });
  }
}

function persistent(): Log {
  const log = new Log();
  log.say({ kind: "history", process: HISTORY }, 0);
  log.say({ kind: "settings", persistence: true }, 0);
  log.say({ kind: "account", person: PERSON, name: "alice", role: "user" }, HISTORY);
  log.logIn(1);
  return log;
}

function missedBy(effects: readonly Effect[]): number | undefined {
  const attached = effects.find((effect) => effect.kind === "attached");
  assert(attached?.kind === "attached");
  return attached.missedFrom;
}

test("the first client that comes back is told from where on nobody has seen anything, and the next is not", () => {
  const log = persistent();
  log.leave(1);
  const left = log.sequence;
  log.say({ kind: "shield", on: true }, 0);
  assert.equal(missedBy(log.logIn(2)), left + 1);
  assert.equal(missedBy(log.logIn(3)), undefined);
});

test("nobody is absent while another client is there", () => {
  const log = persistent();
  log.logIn(2);
  log.leave(1);
  assert.equal(missedBy(log.logIn(3)), undefined);
  log.leave(2);
  log.leave(3);
  assert.equal(missedBy(log.logIn(4)), log.sequence - 2);
});

test("the end of the server ends everybody's presence, but is not the beginning of an absence that had begun", () => {
  const [here, gone] = [persistent(), persistent()];
  gone.leave(1);
  const left = gone.sequence;
  for (const log of [here, gone]) {
    endConversation(log.state, 500);
    log.state = restoreSnapshot(takeSnapshot(log.state));
    log.sequence = 600;
    log.say({ kind: "history", process: HISTORY }, 0);
  }
  assert.equal(missedBy(here.logIn(2)), 501);
  assert.equal(missedBy(gone.logIn(2)), left + 1);
});

test("who makes an account of the name that it goes by keeps it all the while", () => {
  const log = new Log();
  log.say({ kind: "history", process: HISTORY }, 0);
  log.say({ kind: "seat", session: 1, process: WORKER, protocol: "irc", host: "" }, 0);
  log.register(1, "alice");
  const account = { kind: "account", person: PERSON, name: "Alice", role: "user" } as const;
  const effects = log.say({ ...account, session: 1 }, HISTORY);
  assert.deepEqual(
    effects.map(({ kind }) => kind),
    ["accountChanged"],
  );
  const session = log.state.sessions.get(1)!;
  assert.deepEqual([session.nick, session.account, session.person], ["alice", "Alice", PERSON]);
  assert.deepEqual(log.say({ kind: "login", session: 1, person: PERSON }, HISTORY), []);
  assert.deepEqual(takeSnapshot(restoreSnapshot(takeSnapshot(log.state))), takeSnapshot(log.state));
});

test("the names of services are nobody's: not as nicks, not as look-alikes, not as accounts", () => {
  const log = new Log();
  log.say({ kind: "history", process: HISTORY }, 0);
  log.say({ kind: "seat", session: 1, process: WORKER, protocol: "irc", host: "" }, 0);
  assert.deepEqual(
    log.register(1, "NickServ").map(({ kind }) => kind),
    ["refused"],
  );
  log.register(1, "alice");
  for (const name of ["ChanServ", "operserv", "DaveServ", "SASLserv", "ꓠꓲꓚꓗꓢꓰꓣꓦ"]) {
    const isNick = /^[a-z]+$/i.test(name);
    const nick = isNick ? name : "alice";
    const effects = log.say({ kind: "nick", session: 1, nick, displayName: name, derived: false });
    assert.equal(effects[0]?.kind, "refused", name);
  }
  const account = { kind: "account", person: PERSON, name: "MemoServ", role: "user" } as const;
  log.say(account, HISTORY);
  assert.equal(log.state.accounts.size, 0);
});
