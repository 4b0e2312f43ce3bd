/* ngIRCd: a small IRC server in C, one process, one event loop. Here without any limit on what a client may do. */
import { type Subject, startDaemon } from "../support/subject.ts";

/** Started by root, it goes on as an ordinary user all the same. */
const configuration = (port: number): string => `
[Global]
  Name = ngircd.bench
  Info = A rival
  AdminInfo1 = Nobody
  Listen = 127.0.0.1
  Ports = ${port}
  ServerUID = nobody
  ServerGID = nogroup
  MotdPhrase = Welcome
[Limits]
  MaxConnections = 0
  MaxConnectionsIP = 0
  MaxNickLength = 20
  MaxPenaltyTime = 0
  PingTimeout = 3600
[Options]
  DNS = no
  Ident = no
  PAM = no
  IncludeDir = 
`;

export async function startNgircd(): Promise<Subject> {
  return await startDaemon("ngircd", configuration, (file) => ["--nodaemon", "--config", file]);
}
