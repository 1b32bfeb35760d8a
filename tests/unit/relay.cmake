# unit tests of relay/
