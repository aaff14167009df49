/* Pictures and documents say where they end. What follows is not shown to anybody. */

rule mail_media_with_appended_data
{
    meta:
        description = "A JPEG, PNG, GIF or PDF with more than a kilobyte behind its end"
        author = "postern"
        level = "medium"
        attack = "T1027.003, T1048.003, T1001.002"
        false_positives = "Cameras that store a film behind the picture; pictures that were cut on the way"
        reference = "https://attack.mitre.org/techniques/T1001/002/"
        reproduce = "tests/recorded/recipe/record.sh picture_with_appended_data"
    strings:
        $png_end = { 00 00 00 00 49 45 4E 44 AE 42 60 82 }
        $pdf_end = "%%EOF"
    condition:
        // the marks of JPEG and GIF are too short to look for everywhere: the last kilobyte has none
        (view == "mail.attachment" or view == "mail.member") and filesize > 1100 and filesize < 30MB and (
            (uint16be(0) == 0xFFD8 and not for any i in (2..1026) : (uint16be(filesize - i) == 0xFFD9))
            or (uint32be(0) == 0x47494638 and not for any i in (2..1026) : (uint16be(filesize - i) == 0x003B))
            or (uint32be(0) == 0x89504E47 and #png_end > 0 and filesize - @png_end[#png_end] > 1036)
            or (uint32be(0) == 0x25504446 and #pdf_end > 0 and filesize - @pdf_end[#pdf_end] > 1500)
        )
}
