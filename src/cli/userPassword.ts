import { readFileSync } from "node:fs";
import { PASSWORD_BYTES_MAX } from "../accounts/index.ts";

/** There is no password; the message is a sentence for whoever should have given one. */
export class PasswordError extends Error {
  override readonly name = "PasswordError";
}

/** What is longer is no password, and is not even sent to be told so. */
const BYTES_MAX = 1024;
const STDIN = 0;

/**
 * A password for this account, from the first line of a file, or of standard input ("-"), or of whoever sits at the
 * terminal. It is no argument of the command, because everybody on the machine sees those. @throws PasswordError
 */
export async function newPassword(account: string, file: string | undefined): Promise<string> {
  const password = file === undefined ? await askTwice(account) : firstLine(file);
  if (Buffer.byteLength(password) > BYTES_MAX)
    throw new PasswordError(`a password can have ${PASSWORD_BYTES_MAX} bytes in UTF-8 at most`);
  return password;
}

function firstLine(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === "-" ? STDIN : file);
  } catch (error) {
    throw new PasswordError(`the password cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return /^[^\r\n]*/.exec(new TextDecoder("utf-8", { fatal: true }).decode(bytes))![0];
  } catch (error) {
    throw new PasswordError("the password is no UTF-8", { cause: error });
  }
}

async function askTwice(account: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new PasswordError("there is no terminal to ask for the password: give --password-file");
  using prompt = new HiddenPrompt();
  const password = await prompt.ask(`new password for ${account}: `);
  if ((await prompt.ask("once more: ")) !== password)
    throw new PasswordError("the two are not the same; nothing has been changed");
  return password;
}

const ENTER = /[\r\n]/;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACES = ["\u007f", "\b"];
const CTRL_U = "\u0015";
/** What arrow keys and others send that mean no character (ECMA-48, 5.4). */
// oxlint-disable-next-line no-control-regex
const KEYS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?/gs;

/** Asks on the terminal, and does not show what is typed. */
class HiddenPrompt implements Disposable {
  /** Typed, and not yet used: the answer to a question may come before the question. */
  #typed: string[] = [];
  #onTyped: () => void = () => undefined;

  constructor() {
    process.stdin.setEncoding("utf8").setRawMode(true);
    process.stdin.on("data", this.#onData).resume();
  }

  [Symbol.dispose](): void {
    process.stdin.off("data", this.#onData).pause();
    process.stdin.setRawMode(false);
  }

  /** Resolves with a line. @throws PasswordError where whoever is asked does not want to */
  async ask(question: string): Promise<string> {
    process.stderr.write(question);
    let line: string[] = [];
    try {
      for (;;) {
        const character = await this.#next();
        if (ENTER.test(character)) return line.join("");
        if (character === CTRL_C || (character === CTRL_D && line.length === 0))
          throw new PasswordError("nothing has been changed");
        if (BACKSPACES.includes(character)) line.pop();
        else if (character === CTRL_U) line = [];
        else if (character >= " ") line.push(character);
      }
    } finally {
      process.stderr.write("\n");
    }
  }

  readonly #onData = (text: string): void => {
    this.#typed.push(...text.replace(KEYS, ""));
    this.#onTyped();
  };

  async #next(): Promise<string> {
    while (this.#typed.length === 0) await new Promise<void>((resolve) => (this.#onTyped = resolve));
    return this.#typed.shift()!;
  }
}
