// Golden vectors of encrypted files: what filippo.io/age, the reference program of the format, writes to known
// recipients. All that it draws at random comes here from a counter, and is in the vectors, so that another
// implementation can write the same bytes. Run `go run . <folder>`; the folder gets age.json. The same program always
// writes the same bytes.
//
// The plain bytes: at offset i the lowest byte of 31 * i + 7.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

const origin = "computed by filippo.io/age v1.2.1 with vectors/generators/go-age"
const licence = "facts computed by a program; the generator is Apache-2.0 OR MIT"

// counted gives blocks of SHA-256 of a counter, and remembers what it gave.
type counted struct {
	count uint64
	given [][]byte
}

func (c *counted) Read(out []byte) (int, error) {
	for at := 0; at < len(out); {
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], c.count)
		c.count++
		block := sha256.Sum256(number[:])
		at += copy(out[at:], block[:])
	}
	c.given = append(c.given, append([]byte{}, out...))
	return len(out), nil
}

type vector struct {
	PlainBytes  int      `json:"plainBytes"`
	Recipients  []string `json:"recipients"`
	Drawn       []string `json:"drawn"`
	Header      string   `json:"header"`
	SealedBytes int      `json:"sealedBytes"`
	SealedHash  string   `json:"sealedSha256"`
	Sealed      string   `json:"sealed,omitempty"`
}

type document struct {
	Origin     string            `json:"origin"`
	Licence    string            `json:"licence"`
	Note       string            `json:"note"`
	Identities map[string]string `json:"identities"`
	Files      []vector          `json:"files"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	drawn := &counted{}
	rand.Reader = drawn
	first, err := age.GenerateX25519Identity()
	must(err)
	second, err := age.GenerateX25519Identity()
	must(err)
	doc := document{
		Origin:  origin,
		Licence: licence,
		Note:    "drawn: the file key, what is used once for each recipient, the nonce of the payload",
		Identities: map[string]string{
			first.Recipient().String():  first.String(),
			second.Recipient().String(): second.String(),
		},
	}
	for _, length := range []int{0, 1, 100, 65535, 65536, 65537, 131072, 200000} {
		recipients := []age.Recipient{first.Recipient()}
		names := []string{first.Recipient().String()}
		if length%2 == 1 {
			recipients = append(recipients, second.Recipient())
			names = append(names, second.Recipient().String())
		}
		plain := make([]byte, length)
		for i := range plain {
			plain[i] = byte(31*i + 7)
		}
		drawn.given = nil
		var sealed bytes.Buffer
		writer, err := age.Encrypt(&sealed, recipients...)
		must(err)
		_, err = writer.Write(plain)
		must(err)
		must(writer.Close())
		back, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), first)
		must(err)
		again, err := io.ReadAll(back)
		must(err)
		if !bytes.Equal(again, plain) {
			panic("age does not read what it wrote")
		}
		var secrets []string
		for _, secret := range drawn.given {
			secrets = append(secrets, hex.EncodeToString(secret))
		}
		mac := strings.Index(sealed.String(), "\n--- ")
		end := mac + 1 + strings.Index(sealed.String()[mac+1:], "\n") + 1
		hash := sha256.Sum256(sealed.Bytes())
		made := vector{
			PlainBytes:  length,
			Recipients:  names,
			Drawn:       secrets,
			Header:      sealed.String()[:end],
			SealedBytes: sealed.Len(),
			SealedHash:  hex.EncodeToString(hash[:]),
		}
		if length <= 100 {
			made.Sealed = hex.EncodeToString(sealed.Bytes())
		}
		doc.Files = append(doc.Files, made)
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	must(err)
	must(os.WriteFile(filepath.Join(os.Args[1], "age.json"), append(text, '\n'), 0o644))
}
