/* What stealers write about the machine that they took: who, where, which system, and the loot. */

rule mail_looks_like_stealer_report
{
    meta:
        description = "A message body that lists user, machine, system and credentials, as stealers write them"
        author = "postern"
        level = "high"
        attack = "T1048.003, T1071.003"
        false_positives = "Inventory mails that list passwords"
        reference = "https://attack.mitre.org/software/S0331/"
        reproduce = "tests/recorded/recipe/record.sh stealer_body"
    strings:
        // with what follows, so that a finding shows whose machine it was; of the loot the mark alone
        $user = /(User ?Name|Username)(&nbsp;|[ \t])*:[^<\r\n]{0,60}/ nocase
        $machine = /(Computer ?Name|PC ?Name|Machine ?Name)(&nbsp;|[ \t])*:[^<\r\n]{0,60}/ nocase
        $system = /(OS ?Full ?Name|CPU|RAM|IP ?Address|Country ?Name|Date and Time|Client IP)(&nbsp;|[ \t])*:[^<\r\n]{0,60}/ nocase
        $loot = /(Password|Passwords|Cookies|Keystrokes|Screenshot|Clipboard|Keylogger|Recovered)(&nbsp;|\s)*:/ nocase
        $product = /\| (Snake Tracker|Snake Keylogger|404 Keylogger|VIP Recovery|Phoenix Keylogger)/ nocase
    condition:
        (view == "mail.body" or view == "mail.attachment") and filesize < 30MB and ((all of ($user, $machine, $system, $loot)) or $product)
}
