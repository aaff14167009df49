/* A mail that says it is from a mail program, without what that program always writes. */

rule mail_claims_another_program
{
    meta:
        description = "A mail names Outlook, Thunderbird or Apple Mail as its program and lacks their marks"
        author = "postern"
        level = "medium"
        attack = "T1071.003, T1036, T1672"
        false_positives = "Gateways that rewrite mails; very old versions"
        reference = "https://attack.mitre.org/techniques/T1001/003/"
        reproduce = "tests/recorded/recipe/record.sh claims_outlook"
    strings:
        $outlook = /(^|\n)X-Mailer: Microsoft (Office )?Outlook[ ,]/ nocase
        $outlook_thread = /(^|\n)(Thread-Index|X-MimeOLE|Thread-Topic|X-MS-[A-Za-z-]+):/ nocase
        $outlook_boundary = "----=_NextPart_"
        $thunderbird = /(^|\n)User-Agent: (Mozilla )?Thunderbird/ nocase
        $thunderbird_mark = /(^|\n)(MIME-Version: 1\.0|Content-Language:)/ nocase
        $apple = /(^|\n)X-Mailer: (Apple Mail|iPhone Mail) \(/ nocase
        $apple_mark = /Mime-Version: 1\.0 \((Mac OS X|1\.0)/
        $message = /(^|\n)From:/ nocase
    condition:
        view == "mail.raw" and $message and (
            ($outlook and not $outlook_thread and not $outlook_boundary)
            or ($thunderbird and not $thunderbird_mark)
            or ($apple and not $apple_mark)
        )
}
