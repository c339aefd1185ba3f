package system

import "testing"

// A path that goes over to a block of another kind is that by one apply, and
// back by one rollback; what stood there before vpnd comes back in the end.
func TestAPathGoesOverToAnotherKind(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.sh("echo theirs >/etc/theirs")
	first := s.print()
	const (
		directory = "directory \"/etc/d\" {}\nfile \"/etc/d/f\" {\n  content    = \"1\"\n  depends_on = [directory[\"/etc/d\"]]\n}\n"
		file      = "file \"/etc/d\" { content = \"1\" }\nfile \"/etc/theirs\" { content = \"1\" }\n"
		secret    = "secret_file \"/etc/d\" { content = \"1\" }\nsecret_file \"/etc/theirs\" { content = \"1\" }\n"
	)
	before := ""
	for _, text := range []string{directory, file, secret, directory, secret, file} {
		was := s.print()
		s.configure(text)
		s.apply()
		is := s.print()
		s.vpnd(0, "rollback", "--yes")
		s.as(was, "rolling back to "+before)
		s.apply()
		s.as(is, "applying again "+text)
		before = text
	}
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
}
