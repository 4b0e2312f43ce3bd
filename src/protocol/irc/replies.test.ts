import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { Replies } from "./replies.ts";

class Client {
  sent = "";
  replies: Replies = this.#fresh();

  #fresh(): Replies {
    return new Replies((bytes) => (this.sent += decodeUtf8(bytes)), "server");
  }

  /** Another process goes on: it knows what was noted, through JSON. */
  dies(): void {
    const notes = JSON.parse(JSON.stringify(this.replies.notes())) as ReturnType<Replies["notes"]>;
    this.replies = this.#fresh();
    this.replies.restore(notes);
  }

  /** A line with this label, which wishes so many things, and of which so much comes at once. */
  line(label: string, wishes: number, text = ""): void {
    this.replies.begin(label);
    if (text !== "") this.says(text);
    for (let wish = 0; wish < wishes; wish += 1) this.replies.wished();
    this.replies.end();
  }

  says(text: string): void {
    this.replies.send(encodeUtf8(`:server ${text}\r\n`));
  }

  /** The next wish has its place. */
  applies(text: string): void {
    this.replies.applying();
    if (text !== "") this.says(text);
    this.replies.applied();
  }
}

const TWO =
  "@label=a :server BATCH +b1 labeled-response\r\n@batch=b1 :server 1\r\n@batch=b1 :server 2\r\n:server BATCH -b1\r\n";

for (const isKilled of [false, true]) {
  test(`all that comes of one line comes together${isKilled ? ", whoever brings it" : ""}`, () => {
    const client = new Client();
    const dies = (): void => {
      if (isKilled) client.dies();
    };
    client.line("a", 2);
    client.line("b", 1);
    client.replies.wished();
    dies();
    client.applies("1");
    dies();
    assert.equal(client.sent, "");
    client.applies("2");
    assert.equal(client.sent, TWO);
    dies();
    client.applies("");
    assert.equal(client.sent, `${TWO}@label=b :server ACK\r\n`);
    client.applies("bare");
    assert.equal(client.sent, `${TWO}@label=b :server ACK\r\n:server bare\r\n`);
    dies();
    client.line("c", 1);
    client.applies("3");
    assert.match(client.sent, /@label=c :server 3\r\n$/);
  });

  test(`what the vault and what history answer belongs to the line, too${isKilled ? ", after a death" : ""}`, () => {
    const client = new Client();
    const dies = (): void => {
      if (isKilled) client.dies();
    };
    client.replies.begin("v");
    client.replies.askedVault();
    client.replies.end();
    dies();
    // The log has yet to say it, too.
    client.replies.forVault(() => client.replies.askedVault());
    dies();
    assert.equal(client.sent, "");
    client.replies.forVault(() => client.says("done"));
    assert.equal(client.sent, "@label=v :server done\r\n");

    client.line("h", 1);
    client.replies.applying();
    client.replies.asked(7);
    client.replies.applied();
    dies();
    const answer = client.replies.answered(7, encodeUtf8(":server past\r\n"));
    assert.equal(decodeUtf8(answer), "@label=h :server past\r\n");
    assert.equal(client.replies.isOpen, false);
  });
}

for (const isKilled of [false, true]) {
  test(`what is gathered stays small, and what is known of wishes is known${isKilled ? ", after a death" : ""}`, () => {
    const client = new Client();
    const dies = (): void => {
      if (isKilled) client.dies();
    };
    const long = "\u0002".repeat(400);
    client.line("a", 30);
    client.replies.wished({ names: ["#tea"] });
    for (let wish = 0; wish < 30; wish += 1) {
      dies();
      assert(JSON.stringify(client.replies.notes()).length < 20_000);
      client.applies(`${wish} ${long}`);
    }
    const lines = client.sent.split("\r\n").slice(0, -1);
    assert.match(lines[0]!, /^@label=a :server BATCH \+b1 labeled-response$/);
    const end = lines.indexOf(":server BATCH -b1");
    assert.deepEqual(
      lines.slice(1).map((line) => /^(?:@batch=b1 )?:server (\d+) /.exec(line)?.[1]),
      [...Array(end - 1).keys(), undefined, ...Array.from({ length: 31 - end }, (_, at) => at + end - 1)].map(
        (number) => number?.toString(),
      ),
      "each once, in order",
    );
    dies();
    client.replies.applying();
    assert.deepEqual(client.replies.context, { names: ["#tea"] });
    client.replies.applied();
    client.applies("");
    assert.deepEqual(client.replies.context, {});
    assert.equal(client.replies.isOpen, false);
  });

  test(`what has to follow comes behind what is gathered${isKilled ? ", after a death" : ""}`, () => {
    const client = new Client();
    client.line("a", 2, "1");
    client.replies.applying();
    client.replies.sendAfter(encodeUtf8(":server 3\r\n"));
    client.replies.applied();
    if (isKilled) client.dies();
    client.applies("2");
    assert.equal(client.sent, `${TWO}:server 3\r\n`);
  });
}

test("however many answers are late, few lines are kept open for them", () => {
  const client = new Client();
  for (let line = 0; line < 40; line += 1) {
    client.line(`l${line}`, 1, `${line}`);
    client.replies.applying();
    client.replies.asked(line);
    client.replies.applied();
    assert(client.replies.notes().groups.filter(({ isGone }) => !isGone).length <= 32);
  }
  assert.match(client.sent, /^@label=l0 :server 0\r\n@label=l1 :server 1\r\n/);
  const answer = (at: number): string =>
    decodeUtf8(client.replies.answered(at, encodeUtf8(":server answer\r\n")));
  assert.equal(answer(0), ":server answer\r\n");
  assert.match(answer(39), /^@label=l39 :server BATCH \+b1 labeled-response\r\n@batch=b1 :server 39\r\n/);
});
