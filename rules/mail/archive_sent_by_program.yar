/* An archive leaves by mail, and no mail program names itself: the stream of the client is read. */

rule mail_archive_sent_by_program
{
    meta:
        description = "A mail with an archive as attachment that no mail program wrote"
        author = "postern"
        level = "low"
        attack = "T1048.003"
        false_positives = "Backup scripts that mail an archive"
        reference = "https://attack.mitre.org/techniques/T1048/003/"
        reproduce = "tests/recorded/recipe/record.sh archive_attached"
    strings:
        $from = "MAIL FROM:" nocase
        $attachment = "Content-Disposition: attachment" nocase
        $name = /filename\*?=[^\r\n]{0,120}\.(zip|7z|rar|gz|tgz|cab|iso)\b/ nocase
        $program = /\n(X-Mailer|User-Agent|X-MimeOLE|X-Originating-Client):/ nocase
    condition:
        view == "tcp.client" and $from and $attachment and $name and not $program
}
