import assert from "node:assert/strict";
import { test } from "node:test";
import { Numeric, isupportLines, isupportTokens, parseChannelModes } from "./index.ts";

const TOKENS = isupportTokens({ networkName: "Example Net", history: true });

test("what clients are told of this server", () => {
  assert.deepEqual(TOKENS, [
    "AWAYLEN=200",
    "BOT=B",
    "CASEMAPPING=rfc1459",
    "CHANLIMIT=#:50",
    "CHANMODES=beI,k,lS,CMRimnst",
    "CHANNELLEN=51",
    "CHANTYPES=#",
    "CHATHISTORY=500",
    "ELIST=CMNTU",
    "EXCEPTS=e",
    "EXTBAN=,m",
    "HOSTLEN=63",
    "INVEX=I",
    "KEYLEN=32",
    "KICKLEN=300",
    "LINELEN=512",
    "MAXLIST=beI:200",
    "MAXTARGETS=4",
    "MODES=20",
    "MONITOR=100",
    "MSGREFTYPES=msgid,timestamp",
    "NAMELEN=150",
    "NETWORK=Example\\x20Net",
    "NICKLEN=24",
    "PREFIX=(qaohv)~&@%+",
    "SAFELIST",
    "SAFERATE",
    "STATUSMSG=~&@%+",
    "TARGMAX=NOTICE:4,PRIVMSG:4,TAGMSG:4,WHOIS:4,WHOWAS:1,KICK:,JOIN:,LIST:,NAMES:,PART:,MONITOR:100",
    "TOPICLEN=400",
    "USERLEN=10",
    "UTF8ONLY",
    "WHOX",
  ]);
  const withoutHistory = isupportTokens({ networkName: "x", history: false });
  assert.ok(!withoutHistory.some((token) => /^(CHATHISTORY|MSGREFTYPES)/.test(token)));
});

test('"the maximum number of RPL_ISUPPORT tokens that can be advertised is 13", and each is there once', () => {
  const lines = isupportLines(TOKENS);
  assert.deepEqual(
    lines.flatMap((line) => line.split(" ")),
    TOKENS,
  );
  for (const line of lines) {
    assert.ok(line.split(" ").length <= 13);
    assert.ok(line.length <= 370);
  }
});

test("the modes that are advertised are those that are understood", () => {
  const [lists, withParam, withParamToSet, flags] = TOKENS.find((token) => token.startsWith("CHANMODES="))!
    .slice("CHANMODES=".length)
    .split(",");
  const outcome = (letter: string, sign: string, ...params: string[]): object =>
    parseChannelModes([sign + letter, ...params])[0]!;
  for (const letter of lists!) {
    assert.deepEqual(outcome(letter, "+"), { letter, on: true, param: undefined });
    assert.deepEqual(outcome(letter, "-", "1"), { letter, on: false, param: "1" });
  }
  for (const letter of withParam! + withParamToSet!) {
    assert.deepEqual(outcome(letter, "+", "1"), { letter, on: true, param: "1" });
    assert.deepEqual(outcome(letter, "+"), { letter, missingParam: true });
    assert.deepEqual(outcome(letter, "-"), { letter, on: false, param: undefined });
  }
  for (const letter of flags!)
    assert.deepEqual(outcome(letter, "+", "1"), { letter, on: true, param: undefined });
});

test("a number means one reply", () => {
  const numbers = Object.values(Numeric);
  assert.equal(new Set(numbers).size, numbers.length);
  for (const [name, number] of Object.entries(Numeric)) {
    assert.match(number, /^\d{3}$/);
    assert.match(name, /^(RPL|ERR)_[A-Z0-9]+$/);
  }
});
