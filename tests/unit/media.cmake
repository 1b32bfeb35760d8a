# unit tests of media/
isaribi_unit_test(NAME amf0 FLOORS media base)
isaribi_unit_test(NAME rtmp_chunk FLOORS media base)
