/* The marks of Python's mail classes, on a mail without a Message-ID: a script, no mail program. */

rule mail_made_by_script
{
    meta:
        description = "A mail with the part boundaries of Python and neither Message-ID nor mail program"
        author = "postern"
        level = "low"
        attack = "T1071.003, T1059.006"
        false_positives = "Reports that scripts of one's own mail"
        reference = "https://docs.python.org/3/library/email.mime.html"
        reproduce = "tests/recorded/recipe/record.sh python_mailer"
    strings:
        $boundary = /boundary="={15}[0-9]{10,20}=="/
        $part = /\n--={15}[0-9]{10,20}==/
        $id = /(^|\n)Message-ID:/ nocase
        $program = /(^|\n)(X-Mailer|User-Agent):/ nocase
        $sent = /(^|\n)Subject:/ nocase
    condition:
        view == "mail.raw" and $boundary and $part and $sent and not $id and not $program and filesize < 30MB
}
