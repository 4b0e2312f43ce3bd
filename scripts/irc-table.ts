/*
 * The conformance tables of docs/irc.md, made of the tables that the server itself goes by.
 *
 *   node scripts/irc-table.ts            writes them into the page
 *   node scripts/irc-table.ts --check    ends with code 1 where the page says something else
 */
import { readFileSync, writeFileSync } from "node:fs";
import { CAPABILITIES, type Capability, IRC_COMMANDS, specificationOf } from "../src/protocol/irc/index.ts";

const PAGE = "docs/irc.md";
const COMMAND = "node scripts/irc-table.ts";
const EXTENSIONS = "https://ircv3.net/specs/extensions";

interface Remark {
  /** Undefined: all of it. */
  readonly missing?: string;
  readonly note?: string;
}

/** What is to be known of a command beyond its specification; of those that are not here, nothing. */
const COMMANDS: Readonly<Record<string, Remark>> = {
  PASS: { note: "is taken, and opens nothing: log in with SASL" },
  CAP: { note: "302, with values and `cap-notify`" },
  AUTHENTICATE: { missing: "EXTERNAL", note: "PLAIN, SCRAM-SHA-256; at any time" },
  REGISTER: { note: "the e-mail address is ignored" },
  VERIFY: { note: "no account waits for a code" },
  OPER: { note: "the name is that of an account with the role moderator or operator" },
  AWAY: { note: "`AWAY *` of who has `draft/pre-away`" },
  SETNAME: { note: "a name in another script becomes the display name, too" },
  JOIN: { note: "`JOIN 0`; keys; 50 channels at once" },
  KICK: { note: "several nicks out of one channel, or each out of its own" },
  KNOCK: { note: "numerics 710 to 714" },
  MODE: { note: "modes: see below" },
  RENAME: { note: "channels have one spelling: there is no change of case alone" },
  LIST: { note: "`ELIST=CMNTU`" },
  WHO: { note: "with WHOX" },
  TAGMSG: { note: "for who has `message-tags`" },
  BATCH: { note: "`draft/multiline` alone" },
  STATS: { missing: "all letters but `o` and `u`" },
  LINKS: { note: "there is one server" },
  REHASH: { note: "reads the message of the day anew" },
  CHATHISTORY: { note: "all subcommands, 500 messages at a time; free of the flood budget" },
  MARKREAD: { note: "for who is logged in" },
  SEARCH: { missing: "people in `in`", note: "the latest 20 at most" },
  ISON: { note: "MONITOR is better" },
  HELP: { note: "made of the same table as this one" },
  HELPOP: { note: "the same as HELP" },
  NS: { note: "IDENTIFY, REGISTER, PASSWD, DROP: as people told NickServ; also as PRIVMSG" },
  NICKSERV: { note: "the same as NS" },
  FILTER: { note: "words that nobody says; for moderators" },
  LINKFILTER: { note: "who may send links; for moderators" },
  SILENCE: { note: "who may speak nowhere; for moderators" },
  SHIELD: { note: "against raids; for moderators" },
};

/** Of each capability: its page, and what is to be known beyond that. */
const CAPS: Readonly<Record<Capability, Remark & { readonly page: string }>> = {
  "message-tags": {
    page: "message-tags",
    note: "client-only tags up to 4,094 bytes; `msgid` is the log's sequence number",
  },
  "server-time": { page: "server-time", note: "when the message got its place in the order" },
  "account-tag": { page: "account-tag" },
  batch: { page: "batch" },
  "labeled-response": {
    page: "labeled-response",
    note: "also where the answer comes from the log or from history",
  },
  "echo-message": {
    page: "echo-message",
    note: "the echo is the receipt: the message is in the order, and kept",
  },
  sasl: {
    page: "sasl-3.2",
    missing: "EXTERNAL",
    note: "PLAIN, SCRAM-SHA-256; gone while nobody keeps the accounts",
  },
  "cap-notify": { page: "capability-negotiation" },
  "standard-replies": { page: "standard-replies", note: "who does not ask for it gets a NOTICE" },
  "account-notify": { page: "account-notify" },
  "away-notify": { page: "away-notify" },
  chghost: { page: "chghost", note: "hosts do not change here" },
  "extended-join": { page: "extended-join" },
  "extended-monitor": { page: "extended-monitor", note: "by its draft's name, too" },
  "invite-notify": { page: "invite-notify", note: "to those who may invite" },
  "multi-prefix": { page: "multi-prefix" },
  "no-implicit-names": { page: "no-implicit-names", note: "by its draft's name, too" },
  setname: { page: "setname" },
  "userhost-in-names": { page: "userhost-in-names" },
  "znc.in/playback": {
    page: "https://wiki.znc.in/Playback",
    note: "PLAY, LIST; CLEAR does nothing: the past is everybody's",
  },
  "soju.im/search": {
    page: "https://codeberg.org/emersion/soju/src/branch/master/doc/ext/search.md",
    missing: "people in `in`",
    note: "the latest 20 at most",
  },
  "draft/account-registration": {
    page: "account-registration",
    note: "`before-connect`, `custom-account-name`",
  },
  "draft/channel-rename": { page: "channel-rename", note: "who does not know it sees a PART and a JOIN" },
  "draft/chathistory": {
    page: "chathistory",
    note: "`msgid` and `timestamp`; no page is short because of what is left out",
  },
  "draft/event-playback": { page: "chathistory" },
  "draft/extended-isupport": { page: "extended-isupport" },
  "draft/message-redaction": {
    page: "message-redaction",
    note: "one's own, and by operators of the channel; no time limit",
  },
  "draft/multiline": { page: "multiline", note: "4,096 bytes, 24 lines" },
  "draft/pre-away": { page: "pre-away" },
  "draft/read-marker": { page: "read-marker", note: "kept with the account" },
};

function commandTable(): string {
  const rows = Object.keys(IRC_COMMANDS)
    .toSorted()
    .map((name) => row(`\`${name}\``, specificationOf(IRC_COMMANDS[name]!), COMMANDS[name] ?? {}));
  return table("command", rows);
}

function capabilityTable(): string {
  const rows = CAPABILITIES.map((name) => {
    const { page, ...remark } = CAPS[name];
    return row(`\`${name}\``, page.includes("://") ? page : `${EXTENSIONS}/${page}`, remark);
  });
  return table("capability", rows);
}

function row(name: string, specification: string | undefined, { missing, note = "" }: Remark): string {
  const link =
    specification === undefined ? "this server's own" : `[${nameOf(specification)}](${specification})`;
  const status = missing === undefined ? "yes" : `but for ${missing}`;
  return `| ${name} | ${link} | ${status} | ${note} |`.replace(/ {2,}/g, " ");
}

/** What stands behind the last slash or number sign says it. */
function nameOf(address: string): string {
  return /[^/#]+$/.exec(address)![0];
}

function table(what: string, rows: readonly string[]): string {
  return [`| ${what} | specification | here | remarks |`, "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** The page with the tables as they have to be. */
function renew(page: string): string {
  const tables: Readonly<Record<string, string>> = {
    commands: commandTable(),
    capabilities: capabilityTable(),
  };
  let renewed = page;
  for (const [name, text] of Object.entries(tables)) {
    const marked = new RegExp(`(<!-- ${name}: .*? -->\n)[^]*?(\n<!-- end of ${name} -->)`);
    if (!marked.test(renewed)) throw new Error(`${PAGE} has no place for the table of ${name}`);
    renewed = renewed.replace(marked, (_, begin: string, end: string) => `${begin}\n${text}\n${end}`);
  }
  return renewed;
}

const page = readFileSync(PAGE, "utf8");
const renewed = renew(page);
if (!process.argv.includes("--check")) writeFileSync(PAGE, renewed);
else if (renewed !== page) {
  console.error(`${PAGE} does not say what the server does: run ${COMMAND}`);
  process.exitCode = 1;
}
