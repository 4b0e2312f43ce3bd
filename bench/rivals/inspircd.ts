/* InspIRCd: a modular IRC server in C++, one process, one event loop. Here without limits on what a client may do. */
import { type Subject, startDaemon } from "../support/subject.ts";

const configuration = (port: number): string => `
<server name="inspircd.bench" description="A rival" network="Bench">
<admin name="Nobody" nick="nobody" email="nobody@inspircd.bench">
<bind address="127.0.0.1" port="${port}" type="clients">
<connect name="bench" allow="*" timeout="60" pingfreq="3600" recvq="1M" softsendq="100M" hardsendq="100M"
         threshold="1000000" commandrate="1000000000" fakelag="no" localmax="100000" globalmax="100000"
         limit="100000" maxconnwarn="no" maxchans="20" resolvehostnames="no" useident="no">
<performance softlimit="100000" somaxconn="1024" clonesonconnect="no">
<options defaultmodes="n">
`;

export async function startInspircd(): Promise<Subject> {
  const asRoot = process.getuid?.() === 0 ? ["--runasroot"] : [];
  const flags = (file: string): string[] => ["--nofork", "--nolog", "--nopid", "--config", file, ...asRoot];
  const subject = await startDaemon("inspircd", configuration, flags);
  // It looks once a second who has said all that a newcomer must.
  return { ...subject, newcomers: 100 };
}
