# unit tests of packager/
