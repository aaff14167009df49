/* A program travels as base64 in the text of a mail, where no scanner of attachments looks. */

rule mail_program_in_text
{
    meta:
        description = "The text of a mail holds a Windows or Linux program in base64 or hex"
        author = "postern"
        level = "high"
        attack = "T1071.003, T1105, T1027"
        false_positives = "Developers who mail programs in the text"
        reference = "https://attack.mitre.org/software/S1152/"
        reproduce = "tests/recorded/recipe/record.sh program_in_text"
    strings:
        // MZ with its usual head, and the text of its DOS stub, at each offset of base64
        $mz = /(^|[\r\n >"'])TV[opqr][A-Za-z0-9+\/]{40}/
        $stub = "This program cannot be run in DOS mode" base64
        $stub_old = "This program must be run under Win32" base64
        $elf = /(^|[\r\n >"'])f0VMR[gQ][A-Za-z0-9+\/]{40}/
        $hex = /(^|[\r\n >"'])4d5a[0-9a-f]{60,400}546869732070726f6772616d/ nocase
    condition:
        view == "mail.body" and filesize < 30MB and (($mz and 1 of ($stub*)) or $elf or $hex)
}
