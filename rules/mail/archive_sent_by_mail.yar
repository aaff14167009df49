/* What leaves by mail, by its own look: archives as attachments, and messages as stealers write them. */

rule mail_carries_archive
{
    meta:
        description = "A message with an archive as attachment"
        author = "postern"
        level = "low"
        attack = "T1048.003"
        reference = "https://attack.mitre.org/techniques/T1048/003/"
    strings:
        $from = "MAIL FROM:" nocase
        $attachment = "Content-Disposition: attachment" nocase
        $name = /filename\*?=[^\r\n]{0,120}\.(zip|7z|rar|gz|tgz|cab|iso)\b/ nocase
    condition:
        $from and $attachment and $name
}

rule mail_looks_like_stealer_report
{
    meta:
        description = "A message body that lists user, machine and credentials, as stealers write them"
        author = "postern"
        level = "high"
        attack = "T1048.003, T1071.003"
    strings:
        $user = /(User ?Name|Username)\s*:/ nocase
        $machine = /(Computer ?Name|PC ?Name|Machine)\s*:/ nocase
        $system = /(OS ?Full ?Name|OSFullName|CPU|RAM|IP ?Address)\s*:/ nocase
        $loot = /(Password|Passwords|Cookies|Keystrokes|Screenshot|Clipboard)\s*:/ nocase
    condition:
        all of them and filesize < 30MB
}
