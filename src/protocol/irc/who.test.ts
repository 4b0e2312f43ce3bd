import { test } from "node:test";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { QUERY_COMMANDS } from "./queryCommands.ts";

/**
 * Alice runs #tea, where Bob, a bot, has a voice. Carol is away and invisible;
 * Dave, an operator, founded a secret room.
 */
function scene(): { story: Story; alice: TestIrcClient } {
  const story = new Story();
  for (const line of [
    "process 99 keeps history",
    "account Root is operator",
    "alice is seated in 11 as irc from 10.0.0.7",
    "alice registers alice alice Alice Liddell",
    "bob is seated in 12 as irc from bob.example",
    "bob registers bob bob",
    "carol is seated in 13 as irc from carol.example",
    "carol registers carol carol Carol",
    "dave is seated in 14 as irc from 2001:db8::4",
    "dave registers Dave 小明",
    "dave proves Root",
    "alice joins #tea",
    "bob joins #tea",
    "dave joins #secret",
    "dave sets #secret +secret",
    "alice sets #tea +voice bob",
    "bob flags +bot",
    "carol flags +invisible",
    "carol away out for lunch",
  ])
    story.apply(line);
  const alice = new TestIrcClient(story.state, story.session("alice").id);
  alice.port.nowMs = 60_000;
  return { story, alice };
}

test("who is in a channel, has a nick, or matches a mask", () => {
  const { alice } = scene();
  alice.converse(
    QUERY_COMMANDS,
    `
    >WHO #tea
    352 alice #tea alice 10.0.0.7 irc.example alice H@ :0 Alice Liddell
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice #tea :End of WHO list
    >WHO #TEA
    352 alice #tea alice 10.0.0.7 irc.example alice H@ :0 Alice Liddell
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice #TEA :End of WHO list
    >WHO BOB
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice BOB :End of WHO list
    >WHO carol
    352 alice * carol carol.example irc.example carol G :0 Carol
    315 alice carol :End of WHO list
    >WHO 小明
    352 alice * dave 2001:db8::4 irc.example Dave H* :0 小明
    315 alice 小明 :End of WHO list
    >WHO *!*@*.example
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice *!*@*.example :End of WHO list
    >WHO b*
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice b* :End of WHO list
    >WHO *lid?ell
    352 alice #tea alice 10.0.0.7 irc.example alice H@ :0 Alice Liddell
    315 alice *lid?ell :End of WHO list
    `,
  );
});

test("whoever is invisible, and secret rooms, are not found by who shares nothing with them", () => {
  const { story, alice } = scene();
  const everybody = `
    >WHO
    352 alice #tea alice 10.0.0.7 irc.example alice H@ :0 Alice Liddell
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    352 alice * dave 2001:db8::4 irc.example Dave H* :0 小明
    315 alice * :End of WHO list
    >WHO 0 o
    352 alice * dave 2001:db8::4 irc.example Dave H* :0 小明
    315 alice 0 :End of WHO list
    >WHO #secret
    315 alice #secret :End of WHO list
    >WHO #nowhere
    315 alice #nowhere :End of WHO list
    >WHO nobody
    315 alice nobody :End of WHO list
    >WHO c*
    315 alice c* :End of WHO list
    `;
  alice.converse(QUERY_COMMANDS, everybody);
  story.apply("carol joins #tea");
  alice.converse(
    QUERY_COMMANDS,
    `
    >WHO c*
    352 alice #tea carol carol.example irc.example carol G :0 Carol
    315 alice c* :End of WHO list
    `,
  );
  // By others she is not even seen in a room that everybody may know of.
  const dave = new TestIrcClient(story.state, story.session("dave").id);
  dave.converse(
    QUERY_COMMANDS,
    `
    >WHO #tea %n
    354 Dave alice
    354 Dave bob
    315 Dave #tea :End of WHO list
    >WHO #secret %cnf
    354 Dave #secret Dave H*~
    315 Dave #secret :End of WHO list
    `,
  );
});

test("the fields that are asked for, in the order that WHOX has", () => {
  const { story, alice } = scene();
  story.apply("alice says #tea: hi");
  alice.port.nowMs = story.sequence * 1000 - 1000 + 42_900;
  alice.converse(
    QUERY_COMMANDS,
    `
    >WHO alice %tcuihsnfdlaor,123
    354 alice 123 #tea alice 10.0.0.7 10.0.0.7 irc.example alice H@ 0 42 0 n/a :Alice Liddell
    315 alice alice :End of WHO list
    >WHO Dave %roaldfnshiuct,7
    354 alice 7 * dave 2001:db8::4 2001:db8::4 irc.example Dave H* 0 52 Root n/a :小明
    315 alice Dave :End of WHO list
    >WHO bob %tcuhsnfdaor,999
    354 alice 999 #tea bob bob.example irc.example bob H+B 0 0 n/a :bob
    315 alice bob :End of WHO list
    >WHO bob %in
    354 alice 255.255.255.255 bob
    315 alice bob :End of WHO list
    >WHO bob %tn
    354 alice 0 bob
    315 alice bob :End of WHO list
    >WHO bob %tn,12345
    354 alice 0 bob
    315 alice bob :End of WHO list
    >WHO bob %nXYZ
    354 alice bob
    315 alice bob :End of WHO list
    >WHO * o%na
    354 alice Dave Root
    315 alice * :End of WHO list
    >WHO bob %
    352 alice #tea bob bob.example irc.example bob H+B :0 bob
    315 alice bob :End of WHO list
    `,
  );
});

test("all ranks are told to who has asked for them", () => {
  const { story, alice } = scene();
  story.apply("alice sets #tea +voice alice");
  const table = (flags: string): string => `
    >WHO alice %f
    354 alice ${flags}
    315 alice alice :End of WHO list
    `;
  alice.converse(QUERY_COMMANDS, table("H@"));
  alice.enable("multi-prefix").converse(QUERY_COMMANDS, table("H@+"));
});
