/*
 * Programs that people chat with on IRC, as tests drive them: commands go in as if typed, and what a buffer (a window,
 * a tab) has shown comes out of the program's own log files.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { untilSeen } from "./rawIrc.ts";
import { isAlive, until } from "./server.ts";

export interface IrcProgramOptions {
  readonly nick: string;
  /** Logs in with SASL before anything else, and does not stay where that fails. */
  readonly sasl?: {
    readonly user: string;
    readonly password: string;
    readonly mechanism: "PLAIN" | "SCRAM-SHA-256";
  };
}

/** Something that somebody said, as a buffer shows it. */
export interface Said {
  readonly nick: string;
  readonly text: string;
}

export abstract class IrcProgram implements AsyncDisposable {
  /** All of its files. */
  protected readonly folder: string;

  protected constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `chorus-${name}-`));
  }

  /** Its process, and any other that was started for it. */
  protected abstract readonly pids: readonly number[];

  /** A command, or text for the current buffer, as if typed. Resolves when the program has taken it. */
  abstract run(command: string): Promise<void>;

  /** What the buffer of a channel or a person has shown, without times. Empty where there is none yet. */
  abstract shown(target: string): string[];

  /** What the program has shown of the connection: greetings, errors, that it is lost. */
  abstract shownOfServer(): string[];

  /** Which of the lines were said by somebody. */
  abstract said(target: string): Said[];

  /** Waits until a channel's or a person's buffer has shown it. */
  async shows(target: string, wanted: string | RegExp): Promise<void> {
    await untilSeen(
      `${this.constructor.name} to show ${String(wanted)} in ${target}`,
      () => this.shown(target),
      () => this.shown(target).some((line) => contains(line, wanted)),
    );
  }

  async showsOfServer(wanted: string | RegExp): Promise<void> {
    await untilSeen(
      `${this.constructor.name} to show ${String(wanted)}`,
      () => this.shownOfServer(),
      () => this.shownOfServer().some((line) => contains(line, wanted)),
    );
  }

  /** Waits until somebody has said this in a channel, or to a person. */
  async hears(target: string, nick: string, text: string): Promise<void> {
    await untilSeen(
      `${this.constructor.name} to hear "${text}" from ${nick} in ${target}`,
      () => this.shown(target),
      () => this.said(target).some((said) => said.nick === nick && said.text === text),
    );
  }

  /** Says something to a channel or a person. */
  async say(target: string, text: string): Promise<void> {
    await this.run(`/msg ${target} ${text}`);
  }

  async quit(words: string): Promise<void> {
    await this.run(`/quit ${words}`);
    await this.hasEnded();
  }

  protected async hasEnded(): Promise<void> {
    await until(`${this.constructor.name} to have ended`, () => !this.pids.some(isAlive));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await this.hasEnded();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whole lines of a log file. */
  protected linesOf(...path: readonly string[]): string[] {
    try {
      return readFileSync(join(this.folder, ...path), "utf8")
        .split("\n")
        .slice(0, -1);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

function contains(line: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? line.includes(wanted) : wanted.test(line);
}
