import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CAP,
  CAPABILITIES,
  type CapAnswer,
  CapNegotiation,
  type CapabilityOffer,
  RENDERING_CAPS,
} from "./index.ts";

const OFFER: CapabilityOffer = {
  saslMechanisms: ["PLAIN", "SCRAM-SHA-256"],
  registration: true,
  history: true,
};
const NO_SASL: CapabilityOffer = { ...OFFER, saslMechanisms: [] };

function ask(client: CapNegotiation, text: string, offer = OFFER): readonly string[] {
  return client.answer(text.split(" "), offer).lines;
}

/** The names in the lines, which are those of one answer. */
function listed(lines: readonly string[], subcommand: string): string[] {
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    assert.match(line, isLast ? /^[A-Z]+ :/ : /^[A-Z]+ \* :/, "all but the last have an asterisk");
    assert.ok(line.startsWith(subcommand));
    assert.ok(line.length <= 400);
  }
  return lines.flatMap((line) => line.replace(/^[^:]*:/, "").split(" "));
}

test("every capability has a bit, in a number that stays small", () => {
  assert.ok(CAPABILITIES.length <= 31);
  assert.equal(new Set(CAPABILITIES.map((name) => CAP[name])).size, CAPABILITIES.length);
  for (const name of CAPABILITIES) assert.ok(CAP[name] > 0);
});

test("what is said is the same for those who differ in nothing that shows", () => {
  const shows = (name: keyof typeof CAP): boolean => (RENDERING_CAPS & CAP[name]) !== 0;
  for (const name of [
    "server-time",
    "message-tags",
    "account-tag",
    "extended-join",
    "draft/multiline",
  ] as const)
    assert.ok(shows(name), name);
  for (const name of ["sasl", "cap-notify", "labeled-response", "multi-prefix", "draft/chathistory"] as const)
    assert.ok(!shows(name), name);
});

test("CAP LS 302 lists all, with values, in several lines", () => {
  const names = listed(ask(new CapNegotiation(), "LS 302"), "LS");
  for (const name of [
    "sasl=PLAIN,SCRAM-SHA-256",
    "server-time",
    "draft/multiline=max-bytes=4096,max-lines=24",
    "draft/account-registration=before-connect,custom-account-name",
    "no-implicit-names",
    "draft/no-implicit-names",
    "extended-monitor",
    "draft/extended-monitor",
    "znc.in/playback",
  ])
    assert.ok(names.includes(name), name);
  assert.equal(names.length, CAPABILITIES.length + 2);
  assert.equal(new Set(names).size, names.length);
});

test('Clients without a version "are presumed to not support these extra features"', () => {
  const lines = ask(new CapNegotiation(), "LS");
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0]!, /=|\*/);
  for (const name of ["sasl", "multi-prefix", "server-time", "userhost-in-names", "znc.in/playback"])
    assert.ok(listed(lines, "LS").includes(name), name);
  const client = new CapNegotiation();
  ask(client, "LS 302");
  assert.doesNotMatch(ask(client, "LS").join(""), /=/);
  assert.equal(client.version, 302, '"but keep storing the original (higher) version"');
  assert.match(ask(new CapNegotiation(), "LS 307").join(""), /sasl=/);
});

test("what is not there is not offered, and not granted", () => {
  const offer: CapabilityOffer = { saslMechanisms: [], registration: false, history: false };
  const names = listed(ask(new CapNegotiation(), "LS 302", offer), "LS");
  for (const name of ["sasl", "draft/account-registration", "draft/chathistory", "soju.im/search"]) {
    assert.ok(!names.some((each) => each.startsWith(name)), name);
    const client = new CapNegotiation();
    assert.deepEqual(ask(client, `REQ ${name}`, offer), [`NAK :${name}`]);
    assert.equal(client.enabled, 0);
  }
});

test("REQ: the set must be accepted as a whole, or rejected entirely", () => {
  const client = new CapNegotiation();
  const answer = client.answer(["REQ", "multi-prefix sasl"], OFFER);
  const expected: CapAnswer = {
    lines: ["ACK :multi-prefix sasl"],
    unknown: undefined,
  };
  assert.deepEqual(answer, expected);
  assert.deepEqual(ask(client, "REQ batch ex3"), ["NAK :batch ex3"]);
  assert.equal(client.enabled, CAP["multi-prefix"] | CAP.sasl);
  assert.deepEqual(ask(client, "REQ -multi-prefix server-time "), ["ACK :-multi-prefix server-time"]);
  assert.equal(client.enabled, CAP.sasl | CAP["server-time"]);
  // "If a client requests a capability which is already enabled … as though handling this was successful."
  assert.deepEqual(client.answer(["REQ", "sasl -batch"], OFFER), {
    ...expected,
    lines: ["ACK :sasl -batch"],
  });
  assert.deepEqual(ask(client, "REQ sasl=PLAIN"), ["NAK :sasl=PLAIN"]);
  assert.deepEqual(ask(client, "REQ -nothing"), ["NAK :-nothing"]);
  assert.deepEqual(ask(client, "REQ SASL"), ["NAK :SASL"], "names are case-sensitive");
  assert.deepEqual(ask(client, "REQ -sasl", NO_SASL), ["ACK :-sasl"]);
  assert.deepEqual(ask(client, "LIST"), ["LIST :server-time"]);
});

test("a settled capability can be asked for by its former name", () => {
  const client = new CapNegotiation();
  assert.deepEqual(ask(client, "REQ draft/no-implicit-names"), ["ACK :draft/no-implicit-names"]);
  assert.equal(client.enabled, CAP["no-implicit-names"]);
});

test("a newcomer waits from LS or REQ to END", () => {
  for (const beginning of ["LS", "LS 302", "REQ batch", "REQ nothing"]) {
    const client = new CapNegotiation();
    assert.equal(client.isOpen, false);
    ask(client, beginning);
    assert.equal(client.isOpen, true, beginning);
    assert.deepEqual(ask(client, "END"), []);
    assert.equal(client.isOpen, false);
  }
  const client = new CapNegotiation();
  assert.deepEqual(ask(client, "LIST"), ["LIST :"]);
  assert.equal(client.isOpen, false);
});

test("an unknown subcommand is told apart (410)", () => {
  for (const subcommand of ["FOO", "ACK", "CLEAR", ""]) {
    const answer = new CapNegotiation().answer([subcommand], OFFER);
    assert.deepEqual([answer.unknown, answer.lines], [subcommand, []]);
  }
  assert.equal(new CapNegotiation().answer([], OFFER).unknown, "");
  assert.deepEqual(ask(new CapNegotiation(), "list"), ["LIST :"]);
});

test('cap-notify "MUST be implicitly enabled if the client requests CAP LS 302", and is not disabled then', () => {
  const client = new CapNegotiation();
  ask(client, "LS 302");
  assert.equal(client.enabled, CAP["cap-notify"]);
  assert.deepEqual(ask(client, "REQ cap-notify"), ["ACK :cap-notify"]);
  assert.deepEqual(ask(client, "REQ -cap-notify"), ["NAK :-cap-notify"]);
  const old = new CapNegotiation();
  ask(old, "REQ cap-notify");
  assert.deepEqual(ask(old, "REQ -cap-notify"), ["ACK :-cap-notify"]);
});

test("what comes and goes is told to those who want to know", () => {
  const client = new CapNegotiation();
  ask(client, "LS 302");
  ask(client, "REQ sasl batch");
  assert.deepEqual(client.news(OFFER, NO_SASL).lines, ["DEL :sasl"]);
  assert.equal(client.enabled, CAP.batch | CAP["cap-notify"]);
  assert.deepEqual(client.news(NO_SASL, OFFER).lines, ["NEW :sasl=PLAIN,SCRAM-SHA-256"]);
  assert.deepEqual(client.news({ ...OFFER, saslMechanisms: ["PLAIN"] }, OFFER).lines, [
    "NEW :sasl=PLAIN,SCRAM-SHA-256",
  ]);
  assert.deepEqual(client.news(OFFER, OFFER).lines, []);

  const plain = new CapNegotiation();
  ask(plain, "REQ sasl");
  assert.deepEqual(plain.news(OFFER, NO_SASL).lines, [], "has not asked for news");
  assert.equal(plain.enabled, 0);
  ask(plain, "REQ cap-notify");
  assert.deepEqual(plain.news(NO_SASL, OFFER).lines, ["NEW :sasl"], "knows of no values");
});

test("whatever is asked, the set is what the answers say", () => {
  const word = fc.oneof(
    fc.constantFrom(...CAPABILITIES),
    fc.constantFrom("draft/no-implicit-names", "x", "-"),
  );
  const request = fc.array(
    fc.tuple(word, fc.boolean()).map(([name, off]) => (off ? `-${name}` : name)),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(fc.array(request), fc.boolean(), (requests, isNew) => {
      const client = new CapNegotiation();
      if (isNew) ask(client, "LS 302");
      for (const words of requests) {
        const before = client.enabled;
        const { lines } = client.answer(["REQ", words.join(" ")], OFFER);
        if (lines[0]!.startsWith("NAK")) assert.equal(client.enabled, before);
        const names = listed(ask(client, "LIST"), "LIST").filter((name) => name !== "");
        assert.equal(
          names.reduce((set, name) => set | CAP[name as keyof typeof CAP], 0),
          client.enabled,
        );
      }
    }),
  );
});
