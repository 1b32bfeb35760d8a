# unit tests of media/
isaribi_unit_test(NAME nal FLOORS media)
isaribi_unit_test(NAME h264 FLOORS media)
isaribi_unit_test(NAME aac FLOORS media)
isaribi_unit_test(NAME flv FLOORS media)
isaribi_unit_test(NAME fmp4 FLOORS media)
isaribi_unit_test(NAME timeline FLOORS media)
isaribi_unit_test(NAME amf0 FLOORS media base)
isaribi_unit_test(NAME rtmp_chunk FLOORS media base)
