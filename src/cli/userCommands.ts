import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { ROLES, type Role } from "../chat/index.ts";
import { addServerOptions, dataOption, requireLinux } from "./command.ts";
import { type ControlOptions, type Parser, newFile } from "./options.ts";

type ServerFlags = Omit<ControlOptions, "json">;

interface PasswordFlags {
  passwordFile?: string;
}

/** Whether it can be one is for the accounts to say; here it must be something that can be one argument. */
const accountName: Parser<string> = (text) => {
  if (!/^[^\s\p{Cc}]{1,100}$/u.test(text))
    throw new InvalidArgumentError("It must be the name of an account, without blanks.");
  return text;
};

/** `chorus user add`, `passwd`, `role`, `list` and `remove`. */
export function addUserCommands(program: Command): void {
  const user = program
    .command("user")
    .summary("add, change, list and remove accounts")
    .description("Add, change, list and remove accounts, while the server runs or not.")
    .enablePositionalOptions();

  const add = user
    .command("add")
    .summary("add an account")
    .description("Add an account. Its name is nobody else's from then on.")
    .addArgument(nameArgument())
    .addOption(new Option("--role <ROLE>", "what it may do").choices(ROLES).default("user"))
    .addOption(passwordOption());
  addServerOptions(add).action(
    async (name: string, { role, passwordFile, ...server }: ServerFlags & PasswordFlags & { role: Role }) => {
      requireLinux(add);
      const { addUser } = await import("./user.ts");
      process.exitCode = await addUser(name, role, passwordFile, server);
    },
  );

  const passwd = user
    .command("passwd")
    .summary("give an account a new password")
    .description("Give an account a new password. Whoever is logged in to it stays so.")
    .addArgument(nameArgument())
    .addOption(passwordOption());
  addServerOptions(passwd).action(
    async (name: string, { passwordFile, ...server }: ServerFlags & PasswordFlags) => {
      requireLinux(passwd);
      const { changePassword } = await import("./user.ts");
      process.exitCode = await changePassword(name, passwordFile, server);
    },
  );

  const role = user
    .command("role")
    .summary("say what an account may do")
    .description("Say what an account may do on the whole server.")
    .addArgument(nameArgument())
    .addArgument(new Argument("<ROLE>", "what it may do").choices(ROLES));
  addServerOptions(role).action(async (name: string, role_: Role, server: ServerFlags) => {
    requireLinux(role);
    const { changeRole } = await import("./user.ts");
    process.exitCode = await changeRole(name, role_, server);
  });

  const list = user
    .command("list")
    .summary("list the accounts")
    .description("List the accounts, in the order in which they were made.")
    .option("--json", "for programs", false)
    .addOption(dataOption());
  list.action(async (flags: { data: string; json: boolean }) => {
    requireLinux(list);
    const { listUsers } = await import("./user.ts");
    process.exitCode = listUsers(flags);
  });

  const remove = user
    .command("remove")
    .summary("remove an account")
    .description("Remove an account. Its name is anybody's again; what it has said stays.")
    .addArgument(nameArgument());
  addServerOptions(remove).action(async (name: string, server: ServerFlags) => {
    requireLinux(remove);
    const { removeUser } = await import("./user.ts");
    process.exitCode = await removeUser(name, server);
  });
}

function nameArgument(): Argument {
  return new Argument("<NAME>", "the account's name").argParser(accountName);
}

function passwordOption(): Option {
  return new Option(
    "--password-file <FILE>",
    "take the password from the first line of this file, - for standard input; default: ask for it",
  ).argParser(newFile);
}
