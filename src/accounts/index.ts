export { PASSWORD_BYTES_MAX } from "./passwords.ts";
export { AccountVersionError } from "./schema.ts";
export { type Secrets, SecretsError } from "./secrets.ts";
export { AccountStore, AccountStoreError, type PublicAccount, readAccounts } from "./store.ts";
export { type UserCommand, decodeUserCommand, encodeUserCommand, parseUserCommand } from "./userCommand.ts";
export { Vault, type VaultEvents } from "./vault.ts";
export {
  VAULT_TEXT_BYTES_MAX,
  type VaultFailure,
  type VaultOutcome,
  type VaultQuestion,
  type VaultReply,
  type VaultRequest,
  decodeVaultReply,
  decodeVaultRequest,
  encodeVaultReply,
  encodeVaultRequest,
  refuseVaultRequest,
  vaultIdOf,
} from "./vaultMessages.ts";
