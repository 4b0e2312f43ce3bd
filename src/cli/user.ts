import { type UserCommand, AccountVersionError } from "../accounts/index.ts";
import type { Role } from "../chat/index.ts";
import {
  AccountFileError,
  StartError,
  type UserAnswer,
  accountsIn,
  administerAccounts,
} from "../node/index.ts";
import { askRunning } from "./control.ts";
import type { ControlOptions } from "./options.ts";
import { PasswordError, newPassword } from "./userPassword.ts";

type ServerFlags = Omit<ControlOptions, "json">;

/** All of them return the exit code. */
export async function addUser(
  name: string,
  role: Role,
  passwordFile: string | undefined,
  server: ServerFlags,
): Promise<number> {
  return withPassword(name, passwordFile, (password) =>
    administer({ action: "add", name, role, password }, server, `added ${name}, role ${role}`),
  );
}

export async function changePassword(
  name: string,
  passwordFile: string | undefined,
  server: ServerFlags,
): Promise<number> {
  return withPassword(name, passwordFile, (password) =>
    administer({ action: "passwd", name, password }, server, `${name} has a new password`),
  );
}

export async function changeRole(name: string, role: Role, server: ServerFlags): Promise<number> {
  return administer({ action: "role", name, role }, server, `${name} has the role ${role}`);
}

export async function removeUser(name: string, server: ServerFlags): Promise<number> {
  return administer({ action: "remove", name }, server, `removed ${name}`);
}

/** From the file, whether a server runs or not: it holds whatever has been done. */
export function listUsers({ data, json }: { readonly data: string; readonly json: boolean }): number {
  try {
    const rows = accountsIn(data).map(({ name, role, createdMs }) => ({
      name,
      role,
      created: new Date(createdMs).toISOString(),
    }));
    if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) process.stderr.write(`chorus: there are no accounts in ${data}\n`);
    else {
      const width = Math.max(...rows.map(({ name }) => name.length), 4);
      const line = (name: string, role: string, created: string): string =>
        `${name.padEnd(width)}  ${role.padEnd(9)}  ${created}\n`;
      const lines = rows.map(({ name, role, created }) => line(name, role, created.slice(0, 10)));
      process.stdout.write([line("name", "role", "created"), ...lines].join(""));
    }
    return 0;
  } catch (error) {
    return failure(sentenceOf(error));
  }
}

async function withPassword(
  name: string,
  file: string | undefined,
  use: (password: string) => Promise<number>,
): Promise<number> {
  let password: string;
  try {
    password = await newPassword(name, file);
  } catch (error) {
    if (error instanceof PasswordError) return failure(error.message);
    throw error;
  }
  return use(password);
}

/** Through the server, where one runs, or in the file. */
async function administer(command: UserCommand, server: ServerFlags, done: string): Promise<number> {
  const answer =
    ((await askRunning(server, { command: "user", user: command })) as UserAnswer | undefined) ??
    (await administerDirectly(command, server));
  if (answer.error !== undefined) return failure(answer.error);
  process.stdout.write(`${done}\n`);
  return 0;
}

async function administerDirectly(command: UserCommand, server: ServerFlags): Promise<UserAnswer> {
  try {
    return await administerAccounts(command, server);
  } catch (error) {
    return { error: sentenceOf(error) };
  }
}

/** @throws what is a bug */
function sentenceOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_SQLITE_ERROR") return `the accounts cannot be read: ${message}`;
  const isExpected = [AccountFileError, AccountVersionError, StartError].some(
    (kind) => error instanceof kind,
  );
  if (!isExpected) throw error;
  return message;
}

function failure(text: string): number {
  process.stderr.write(`chorus: ${text}\n`);
  return 1;
}
