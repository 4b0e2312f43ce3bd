/*
 * WeeChat without a screen. Its only way in that needs no further package are signals: on SIGUSR1 it reads its aliases
 * anew and runs the one of them that the test has just written. Its only way out are its log files.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IrcProgram, type IrcProgramOptions, type Said } from "./ircProgram.ts";
import { untilSeen } from "./rawIrc.ts";

const SERVER = "chorus";
/** What an alias would take for something of its own, and what would end a value in the file. */
const NOT_LITERAL = /[$;"\\\n]/;

export class WeeChat extends IrcProgram {
  readonly #child: ChildProcess;
  #commands = 0;

  private constructor(port: number, { nick, sasl }: IrcProgramOptions) {
    super("weechat");
    this.#configure("weechat", "signal", { sigusr1: "/reload alias;/typed" });
    this.#configure("logger", "file", { auto_log: "on", flush_delay: "0", color_lines: "off" });
    const server = {
      addresses: `127.0.0.1/${port}`,
      ssl: "off",
      nicks: nick,
      username: nick,
      autoconnect: "on",
      autoreconnect: "off",
      anti_flood_prio_high: "0",
      ...(sasl && {
        sasl_mechanism: sasl.mechanism.toLowerCase(),
        sasl_username: sasl.user,
        sasl_password: sasl.password,
        sasl_fail: "disconnect",
      }),
    };
    const named = Object.entries(server).map(([name, value]) => [`${SERVER}.${name}`, value]);
    this.#configure("irc", "server", Object.fromEntries(named) as Record<string, string>);
    this.#child = spawn("weechat-headless", ["--dir", this.folder], { stdio: "ignore" });
  }

  /** Connected and registered. */
  static async start(port: number, options: IrcProgramOptions): Promise<WeeChat> {
    const weechat = new WeeChat(port, options);
    try {
      await weechat.showsOfServer(/MOTD/);
      return weechat;
    } catch (error) {
      await weechat[Symbol.asyncDispose]();
      throw error;
    }
  }

  protected get pids(): readonly number[] {
    return this.#child.pid === undefined || this.#child.exitCode !== null ? [] : [this.#child.pid];
  }

  /** In the buffer of the server, so that a command names its channel. One after the other. */
  async run(command: string): Promise<void> {
    assert.ok(!NOT_LITERAL.test(command), command);
    this.#commands += 1;
    const done = `typed ${this.#commands}`;
    const typed = `/command -buffer irc.server.${SERVER} * ${command};/print -core ${done}`;
    this.#configure("alias", "cmd", { typed });
    this.#child.kill("SIGUSR1");
    await untilSeen(
      `WeeChat to run ${command}`,
      () => this.#logged("core.weechat"),
      () => !this.#isRunning || this.#logged("core.weechat").includes(`\t${done}`),
    );
  }

  shown(target: string): string[] {
    return this.#logged(`irc.${SERVER}.${target.toLowerCase()}`);
  }

  shownOfServer(): string[] {
    return this.#logged(`irc.server.${SERVER}`);
  }

  said(target: string): Said[] {
    return this.shown(target).flatMap((line) => {
      const [prefix = "", text = ""] = line.split("\t", 2);
      // Arrows and dashes are the prefixes of what was not said; before a name may stand what it is in the channel.
      const nick = /^[~&@%+]?([^-<>=~&@%+\s][^\s]*)$/.exec(prefix)?.[1];
      return nick === undefined ? [] : [{ nick, text }];
    });
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A line is a time, who or what it is from, and the text, with tabs between them. */
  #logged(buffer: string): string[] {
    return this.linesOf("logs", `${buffer}.weechatlog`).map((line) => line.slice(line.indexOf("\t") + 1));
  }

  /** Whole at once: it may be read at any time. */
  #configure(name: string, section: string, options: Readonly<Record<string, string>>): void {
    const file = join(this.folder, `${name}.conf`);
    const lines = Object.entries(options).map(([option, value]) => `${option} = "${value}"\n`);
    writeFileSync(`${file}.new`, `[${section}]\n${lines.join("")}`);
    renameSync(`${file}.new`, file);
  }
}
