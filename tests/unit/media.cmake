# unit tests of media/
