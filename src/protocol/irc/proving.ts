/*
 * Who somebody proves to be: AUTHENTICATE on the way in or later, REGISTER, and what people tell NickServ because they
 * always have. Passwords go to the vault, and nowhere else.
 */
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { type RefusalReason, type Session, foldNick } from "../../chat/index.ts";
import type { IrcClient, Proof } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asciiUpperCase, type IrcMessage } from "./message.ts";
import { Numeric } from "./numerics.ts";
import type { AccountOutcome, AccountQuestion } from "./port.ts";
import { tellLogin } from "./login.ts";
import { register } from "./registration.ts";
import { SaslResponse, saslChunks, saslPlain } from "./sasl.ts";

/** After the vault has said that it is so, the log says so soon. */
const APPLY_LIMIT_MS = 5000;
/** And before that, the vault has this long: it may have to be started again. */
const VAULT_LIMIT_MS = 30_000;

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256"] as const;

export const PROVING_COMMANDS: IrcCommands = {
  AUTHENTICATE: {
    usage: "PLAIN | SCRAM-SHA-256 | <response in base64> | *",
    summary: "logs in to an account",
    paramsMin: 1,
    when: "any",
    specification: "https://ircv3.net/specs/extensions/sasl-3.2",
    run: authenticate,
  },
  REGISTER: {
    usage: "<account or *> <e-mail or *> <password>",
    summary: "makes an account, and logs in to it",
    paramsMin: 3,
    when: "any",
    specification: "https://ircv3.net/specs/extensions/account-registration",
    run: registerAccount,
  },
  VERIFY: {
    usage: "<account> <code>",
    summary: "is not needed: accounts are there at once",
    paramsMin: 2,
    when: "any",
    specification: "https://ircv3.net/specs/extensions/account-registration",
    run: (client, { params }) =>
      client.fail("VERIFY", "INVALID_CODE", [params[0]!], "Accounts of this server need no verification"),
  },
  OPER: {
    usage: "<account> <password>",
    summary: "gives you what the role of an account allows",
    paramsMin: 2,
    specification: "#oper-message",
    run: (client, { params }) => {
      const question = { kind: "check", account: params[0]!, password: params[1]!, as: "oper" } as const;
      prove(client, "oper", params[0]!, question);
    },
  },
  NS: {
    usage: "IDENTIFY [<account>] <password> | REGISTER <password> [<e-mail>] | PASSWD <old> <new> | DROP …",
    summary: "is for those who are used to NickServ; blanks are for passwords behind an account or DROP",
    paramsMin: 1,
    specification: "",
    run: (client, { params }) => nickServ(client, params.join(" ")),
  },
};

function authenticate(client: IrcClient, { params }: IrcMessage): void {
  const [given = ""] = params;
  const { sasl } = client;
  if (!client.has("sasl"))
    return client.numeric(Numeric.ERR_SASLFAIL, ":SASL authentication failed: ask for it with CAP first");
  if (given === "*") {
    client.sasl = undefined;
    client.changed();
    return client.numeric(Numeric.ERR_SASLABORTED, ":SASL authentication aborted");
  }
  if (sasl === undefined) return begin(client, asciiUpperCase(given));
  const input = sasl.response.take(given);
  client.changed();
  switch (input.kind) {
    case "more":
      return;
    case "tooLong":
      client.sasl = undefined;
      return client.numeric(Numeric.ERR_SASLTOOLONG, ":SASL message too long");
    case "response":
      return respond(client, input.bytes);
    default:
      return fail(client, "that was no base64");
  }
}

function begin(client: IrcClient, mechanism: string): void {
  const known = MECHANISMS.find((each) => each === mechanism);
  if (known === undefined || client.server.offer(client.port.state).saslMechanisms.length === 0) {
    client.numeric(Numeric.RPL_SASLMECHS, `${MECHANISMS.join(",")} :are available SASL mechanisms`);
    return client.numeric(Numeric.ERR_SASLFAIL, ":SASL authentication failed");
  }
  if (client.session?.account)
    return client.numeric(Numeric.ERR_SASLALREADY, ":You have already authenticated using SASL");
  const response = new SaslResponse();
  client.sasl = { mechanism: known, response, clientFirst: "", serverFirst: "", isProven: false };
  client.changed();
  client.line("AUTHENTICATE +");
}

function respond(client: IrcClient, bytes: Uint8Array): void {
  const sasl = client.sasl!;
  if (sasl.mechanism === "PLAIN") {
    const credentials = saslPlain(bytes);
    if (credentials === undefined) return fail(client, "that was no message of PLAIN");
    const { authzid, authcid, password } = credentials;
    if (authzid !== "" && foldNick(authzid) !== foldNick(authcid))
      return fail(client, "nobody can be somebody else");
    return prove(client, "sasl", authcid, { kind: "check", account: authcid, password, as: "login" });
  }
  // The server's last message was the proof that it is the right one; the client has nothing more to say to it.
  if (sasl.isProven) return finish(client);
  const message = decodeUtf8(bytes);
  if (sasl.clientFirst === "") {
    sasl.clientFirst = message;
    return prove(client, "sasl", accountOf(message), { kind: "scramFirst", clientFirst: message });
  }
  const { clientFirst, serverFirst } = sasl;
  prove(client, "sasl", accountOf(clientFirst), {
    kind: "scramFinal",
    clientFirst,
    serverFirst,
    clientFinal: message,
  });
}

/** `n,,n=name,r=…`, with `=2C` for a comma and `=3D` for an equals sign (RFC 5802, 5.1). */
function accountOf(clientFirst: string): string {
  const name = /(?:^|,)n=([^,]*)/.exec(clientFirst)?.[1] ?? "";
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function registerAccount(client: IrcClient, { params }: IrcMessage): void {
  const [given = "", , password = ""] = params;
  if (client.session?.account)
    return client.fail("REGISTER", "ALREADY_AUTHENTICATED", [given], "You are logged in already");
  const account = given === "*" ? client.nick : given;
  if (account === "*")
    return client.fail("REGISTER", "NEED_NICK", ["*"], "Say a nick first, or name the account");
  prove(client, "register", account, { kind: "register", account, password });
}

/** What people type for whom a service has always been a person. What they say is for nobody else. */
export function nickServ(client: IrcClient, text: string): void {
  const [verb, rest] = firstWord(text.trim());
  const [first, second] = firstWord(rest);
  const own = client.session?.account || client.nick;
  switch (asciiUpperCase(verb)) {
    case "IDENTIFY":
    case "ID":
    case "LOGIN": {
      if (first === "") return client.notice("IDENTIFY [account] password");
      const [account, password] = second === "" ? [own, first] : [first, second];
      return prove(client, "identify", account, { kind: "check", account, password, as: "login" });
    }
    case "REGISTER":
      // What follows is an address, for which there is no use here.
      if (first === "") return client.notice("REGISTER password");
      if (client.session?.account) return client.notice("You are logged in already");
      return prove(client, "identify", client.nick, {
        kind: "register",
        account: client.nick,
        password: first,
      });
    case "SET":
    case "PASSWD": {
      const words = rest.split(/ +/);
      const [old, password] = words.length > 2 ? words.slice(-2) : words;
      if (!old || !password) return client.notice("PASSWD old new");
      return prove(client, "other", own, { kind: "changePassword", account: own, old, password });
    }
    case "DROP":
      if (rest === "") return client.notice("DROP password");
      return prove(client, "other", own, { kind: "drop", account: own, password: rest });
    default:
      return client.notice(
        "IDENTIFY [account] password | REGISTER password | PASSWD old new | DROP password",
      );
  }
}

/** And what follows it, in which there may be blanks. */
function firstWord(text: string): readonly [word: string, rest: string] {
  const blank = text.indexOf(" ");
  return blank < 0 ? [text, ""] : [text.slice(0, blank), text.slice(blank).trimStart()];
}

/*
 * A proof has two witnesses: the vault, which is asked first, and the log, which says that somebody is logged in.
 * Either may be heard first (`Proof.stage`); what only the vault has to do with is over with its answer. Meanwhile no
 * line of the client is looked at. Four things may come: the vault's answer, the log's word, its refusal, and the
 * deadline; each goes on through `resume`, and whatever is the last ends the proof through `end`.
 */

/** Asks the vault. */
function prove(
  client: IrcClient,
  purpose: Proof["purpose"],
  account: string,
  question: AccountQuestion,
): void {
  const proof: Proof = { purpose, account, stage: "asked", deadlineMs: client.port.now() + VAULT_LIMIT_MS };
  // One can be open at a time, and nothing is read meanwhile: it is too long for any account.
  if (!client.port.askVault(question)) return refuse(client, proof, "wrong", "that is too long", question);
  client.proof = proof;
  client.replies.askedVault();
  client.changed();
  client.port.wakeIn(VAULT_LIMIT_MS);
}

/** What is told meanwhile belongs to the line that began it all; then the next line may have its turn. */
function resume(client: IrcClient, tell: () => void): void {
  client.changed();
  client.replies.forVault(tell);
  if (client.proof !== undefined) return;
  register(client);
  client.port.wakeIn(0);
}

/** It is over, and this is what comes of it. */
function end(client: IrcClient, tell: () => void): void {
  client.proof = undefined;
  client.changed();
  tell();
}

/** The vault's answer. */
export function answered(client: IrcClient, outcome: AccountOutcome, question: AccountQuestion): void {
  const { proof } = client;
  if (proof !== undefined && proof.stage !== "answered")
    resume(client, () => take(client, proof, outcome, question));
}

function take(client: IrcClient, proof: Proof, outcome: AccountOutcome, question: AccountQuestion): void {
  const { purpose } = proof;
  const isSo = proof.stage === "applied" || (LOGINS.has(purpose) && isLoggedIn(client, proof.account));
  if (outcome.kind === "failed") {
    // Asked a second time, because nobody is left who heard the answer, it may have been done before.
    if (isSo && question.kind === "register") return end(client, () => conclude(client, purpose));
    return end(client, () => refuse(client, proof, outcome.code, outcome.text, question));
  }
  switch (question.kind) {
    case "scramFirst":
      client.sasl!.serverFirst = outcome.text;
      return end(client, () => say(client, outcome.text));
    case "scramFinal":
      // What follows is the client's `AUTHENTICATE +`; the log may say it before or after that.
      client.sasl!.isProven = true;
      return end(client, () => say(client, outcome.text));
    case "changePassword":
      return end(client, () => client.notice("Your password is another one now"));
    case "drop":
      return end(client, () => client.notice("The account is gone"));
  }
  if (isSo || purpose === "oper") end(client, () => conclude(client, purpose));
  else awaitLog(client, proof);
}

/** What comes of it is told when the log says it, too: that belongs to the same line. */
function awaitLog(client: IrcClient, proof: Proof): void {
  proof.stage = "answered";
  proof.deadlineMs = client.port.now() + APPLY_LIMIT_MS;
  client.replies.askedVault();
  client.port.wakeIn(APPLY_LIMIT_MS);
}

function say(client: IrcClient, message: string): void {
  for (const chunk of saslChunks(encodeUtf8(message))) client.line(`AUTHENTICATE ${chunk}`);
}

/** SCRAM is over when both have proved it, and the log has it. */
function finish(client: IrcClient): void {
  const account = accountOf(client.sasl!.clientFirst);
  if (isLoggedIn(client, account)) return conclude(client, "sasl");
  client.proof = { purpose: "sasl", account, stage: "answered", deadlineMs: 0 };
  client.changed();
  awaitLog(client, client.proof);
}

const LOGINS: ReadonlySet<Proof["purpose"]> = new Set(["sasl", "register", "identify"]);

function isLoggedIn(client: IrcClient, account: string): boolean {
  return foldNick(client.session?.account ?? "") === foldNick(account) && account !== "";
}

/** The log says that it is logged in. Returns whether that is told when the vault has answered, too. */
export function noteLogin(client: IrcClient, session: Session): boolean {
  if (session.account === "") {
    client.numeric(Numeric.RPL_LOGGEDOUT, `${client.server.sourceOf(session)} :You are now logged out`);
    return false;
  }
  const { proof } = client;
  if (proof === undefined) {
    // Of SCRAM, it is told when the client has said its last.
    if (client.sasl === undefined) tellLogin(client, false);
  } else if (proof.stage === "answered")
    resume(client, () => end(client, () => conclude(client, proof.purpose)));
  else {
    proof.stage = "applied";
    client.changed();
  }
  return !client.isWelcome;
}

/** The log refuses what the vault would have granted. False where it was no login that was refused. */
export function noteRefusedLogin(client: IrcClient, reason: RefusalReason): boolean {
  const { proof } = client;
  const text = LOGIN_REFUSALS[reason] ?? `that is not possible now (${reason})`;
  if (proof === undefined) {
    // Of SCRAM, when the client has yet to say its last.
    if (client.sasl?.isProven !== true) return false;
    fail(client, text);
    return true;
  }
  if (!LOGINS.has(proof.purpose)) return false;
  giveUp(client, proof, text);
  return true;
}

const LOGIN_REFUSALS: Partial<Record<RefusalReason, string>> = {
  alreadySo: "you are here with several clients: log in with a new one, or leave with the others first",
};

/** Nobody has said anything for too long. */
export function expire(client: IrcClient): void {
  const { proof } = client;
  if (proof !== undefined && client.port.now() >= proof.deadlineMs)
    giveUp(client, proof, "nobody answers; try again later");
}

/** Whatever the vault may still say is of no interest. */
function giveUp(client: IrcClient, proof: Proof, text: string): void {
  client.port.forgetVault();
  resume(client, () => end(client, () => refuse(client, proof, "busy", text)));
}

/** Both have said so. */
function conclude(client: IrcClient, purpose: Proof["purpose"]): void {
  client.sasl = undefined;
  client.changed();
  if (purpose === "oper") return;
  if (purpose === "register") {
    const account = client.session!.account;
    client.fromServer(`REGISTER SUCCESS ${account} :Account registered`);
  }
  tellLogin(client, purpose === "sasl");
}

const REGISTER_CODES: Readonly<Record<string, string>> = {
  taken: "ACCOUNT_EXISTS",
  badName: "BAD_ACCOUNT_NAME",
  wrong: "UNACCEPTABLE_PASSWORD",
};
/** What is neither so long nor has anything in it that is not seen can only be too weak. */
const WEAK = /^[^\p{Cc}]{0,63}$/u;

function registerCode(code: string, question: AccountQuestion | undefined): string {
  if (code !== "badPassword") return REGISTER_CODES[code] ?? "TEMPORARILY_UNAVAILABLE";
  const isWeak = question !== undefined && "password" in question && WEAK.test(question.password);
  return isWeak ? "WEAK_PASSWORD" : "UNACCEPTABLE_PASSWORD";
}

/** @param code the vault's; "busy": nobody can say */
function refuse(
  client: IrcClient,
  { purpose, account }: Proof,
  code: string,
  text: string,
  question?: AccountQuestion,
): void {
  switch (purpose) {
    case "sasl":
      return fail(client, text);
    case "register":
      return client.fail("REGISTER", registerCode(code, question), [account], text);
    case "oper":
      if (code === "notAllowed") return client.numeric(Numeric.ERR_NOOPERHOST, `:${text}`);
      if (code === "busy") return client.notice(`OPER: ${text}`);
      return client.numeric(Numeric.ERR_PASSWDMISMATCH, ":Password incorrect");
    default:
      return client.notice(question?.kind === "check" ? `${text}: ${account}` : text);
  }
}

function fail(client: IrcClient, why: string): void {
  client.sasl = undefined;
  client.changed();
  client.numeric(Numeric.ERR_SASLFAIL, `:SASL authentication failed: ${why}`);
}
