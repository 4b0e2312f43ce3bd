/* irssi on a terminal of its own (tmux), which takes what is typed. What it has shown stands in its log files. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { IrcProgram, type IrcProgramOptions, type Said } from "./ircProgram.ts";
import { until } from "./server.ts";

const SERVER = "chorus";
const execute = promisify(execFile);
/** What would end a value in the file of settings, or name a variable there. */
const NOT_LITERAL = /[$"\\\n]/;
/** Of the log of everything: no target has such a name. */
const EVERYTHING = "everything";
/** What tmux says when the terminal has ended with its program. */
const TERMINAL_GONE = /no current target|no server running|error connecting|lost server|server exited/;
/** Of what was typed, so much is sure to be seen. */
const TAIL_CHARACTERS = 30;

export class Irssi extends IrcProgram {
  /** tmux's and irssi's own. */
  protected pids: readonly number[] = [];

  private constructor(port: number, { nick, sasl }: IrcProgramOptions) {
    super("irssi");
    if (sasl !== undefined) assert.equal(sasl.mechanism, "PLAIN", "irssi knows no other with a password");
    assert.ok(!NOT_LITERAL.test(`${nick}${sasl?.user}${sasl?.password}`));
    const login =
      sasl === undefined
        ? ""
        : `sasl_mechanism = "PLAIN"; sasl_username = "${sasl.user}"; sasl_password = "${sasl.password}";
           sasl_disconnect_on_failure = "yes";`;
    const logs = join(this.folder, "logs");
    mkdirSync(logs);
    // Commands go out at once, nothing that is typed fast is taken for something that was pasted, and no window goes
    // away under what is being typed.
    writeFileSync(
      join(this.folder, "config"),
      `servers = ( { address = "127.0.0.1"; port = "${port}"; chatnet = "${SERVER}"; use_tls = "no";
                     autoconnect = "yes"; } );
       chatnets = { ${SERVER} = { type = "IRC"; nick = "${nick}"; username = "${nick}"; ${login} }; };
       settings = {
         core = { nick = "${nick}"; user_name = "${nick}"; real_name = "${nick}"; server_reconnect_time = "-1"; };
         "irc/core" = { cmds_max_at_once = "1000"; cmd_queue_speed = "10msec"; };
         "fe-common/core" = { autoclose_windows = "no"; autolog = "yes"; autolog_level = "all";
                              autolog_path = "${logs}/$0.log"; };
         "fe-text" = { paste_verify_line_count = "0"; paste_detect_time = "0"; };
       };
       logs = { "${logs}/${EVERYTHING}" = { auto_open = "yes"; level = "ALL"; }; };\n`,
    );
  }

  /** Connected and registered. */
  static async start(port: number, options: IrcProgramOptions): Promise<Irssi> {
    const irssi = new Irssi(port, options);
    try {
      const command = ["irssi", "--home", irssi.folder, "--config", join(irssi.folder, "config")];
      const size = ["-x", "200", "-y", "50"];
      await irssi.#tmux("new-session", "-d", ...size, "--", ...command);
      const pids = await irssi.#tmux("display-message", "-p", "#{pid} #{pane_pid}");
      irssi.pids = pids.trim().split(" ").map(Number);
      await irssi.showsOfServer(/MOTD/);
      return irssi;
    } catch (error) {
      await irssi[Symbol.asyncDispose]();
      throw error;
    }
  }

  async run(command: string): Promise<void> {
    // A semicolon at the end of a word would be one of tmux's own.
    assert.ok(!/[;\n]/.test(command), command);
    await this.#tmux("send-keys", "-l", "--", command);
    const tail = command.slice(-TAIL_CHARACTERS);
    // On a machine that is busy with other things, what is typed blindly gets lost now and then.
    await until(`irssi to show what was typed: ${command}`, async () =>
      (await this.#prompt()).includes(tail),
    );
    await until(`irssi to take what was typed: ${command}`, async () => {
      try {
        await this.#tmux("send-keys", "Enter");
        return !(await this.#prompt()).includes(tail);
      } catch (error) {
        // What was typed may be that it shall end, and its terminal with it.
        if (!TERMINAL_GONE.test(String((error as { readonly stderr?: unknown }).stderr))) throw error;
        return true;
      }
    });
  }

  /** The line in which one types, the last on the screen. */
  async #prompt(): Promise<string> {
    const screen = await this.#tmux("capture-pane", "-p");
    return screen.trimEnd().split("\n").at(-1) ?? "";
  }

  shown(target: string): string[] {
    return this.#logged(`${target.toLowerCase()}.log`);
  }

  /** Of everything else as well. */
  shownOfServer(): string[] {
    return this.#logged(EVERYTHING);
  }

  said(target: string): Said[] {
    return this.shown(target).flatMap((line) => {
      const [, nick, text] = /^<[ ~&@%+]?([^\s>]+)> (.*)$/.exec(line) ?? [];
      return nick === undefined || text === undefined ? [] : [{ nick, text }];
    });
  }

  /** A line begins with hours and minutes; what tells of days and of the log itself begins otherwise. */
  #logged(name: string): string[] {
    return this.linesOf("logs", name).map((line) => line.replace(/^\d\d:\d\d /, ""));
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    const server = ["-S", join(this.folder, "tmux"), "-f", "/dev/null", "-u"];
    const { stdout } = await execute("tmux", [...server, ...words], {
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    return stdout;
  }
}
