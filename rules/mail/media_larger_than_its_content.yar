/* Pictures and sounds say how large they are. What is there beyond that was put in: steganography, or a file in another. */

rule mail_media_larger_than_its_content
{
    meta:
        description = "A BMP, PNG or WAV that holds far more bytes than its header speaks of"
        author = "postern"
        level = "medium"
        attack = "T1027.003, T1001.002"
        false_positives = "Unusual programs that write wrong headers"
        reference = "https://attack.mitre.org/software/S0495/"
        reproduce = "tests/recorded/recipe/record.sh picture_larger_than_its_pixels"
    condition:
        (view == "mail.attachment" or view == "mail.member") and filesize > 1500 and filesize < 30MB and (
            // BMP: offset of the pixels, and lines of four bytes each
            (uint16be(0) == 0x424D and uint32(18) > 0 and uint32(18) < 65536 and uint32(22) > 0 and uint32(22) < 65536 and uint16(28) <= 32 and
                filesize > uint32(10) + ((uint32(18) * uint16(28) + 31) \ 32) * 4 * uint32(22) + 1024)
            // PNG: at most eight bytes a pixel before it is compressed
            or (uint32be(0) == 0x89504E47 and uint32be(16) < 65536 and uint32be(20) < 65536 and
                filesize > uint32be(16) * uint32be(20) * 8 + uint32be(20) + 65536)
            // WAV: the length in its head
            or (uint32be(0) == 0x52494646 and uint32be(8) == 0x57415645 and uint32(4) > 0 and filesize > uint32(4) + 8 + 1024)
        )
}
