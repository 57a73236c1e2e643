package hubd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The files of an authority that is kept.
const (
	AuthorityFile    = "ca.pem"     // for clients to trust
	authorityKeyFile = "ca-key.pem" // for nobody else
)

// OpenAuthority reads the authority kept in dir, or makes one there if there
// is none, and has it sign a new certificate for a hub of these names, for
// localhost and for the loopback addresses. Files are readable by their owner
// alone and are never left half written.
func OpenAuthority(dir string, hosts ...string) (*Authority, error) {
	a, err := readAuthority(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if a, err = newRoot("Flotilla, a test hub's authority", keptRootLife); err != nil {
			return nil, err
		}
		err = a.keep(dir)
	}
	if err != nil {
		return nil, err
	}
	return a, a.issue(keptLeafLife, hosts)
}

// readAuthority reads what keep wrote; fs.ErrNotExist says that neither file
// is there.
func readAuthority(dir string) (*Authority, error) {
	path, keyPath := filepath.Join(dir, AuthorityFile), filepath.Join(dir, authorityKeyFile)
	remedy := fmt.Sprintf("delete %s and %s to have a new authority made, which clients then have to trust", path, keyPath)
	key, kerr := readPEM(keyPath, "PRIVATE KEY")
	cert, err := readPEM(path, "CERTIFICATE")
	switch {
	case errors.Is(kerr, fs.ErrNotExist) && errors.Is(err, fs.ErrNotExist):
		return nil, kerr
	case errors.Is(kerr, fs.ErrNotExist):
		return nil, fmt.Errorf("certificate authority: %s is there, its key %s is not; put it back, or %s", path, keyPath, remedy)
	case kerr != nil:
		return nil, fmt.Errorf("certificate authority: %w; %s", kerr, remedy)
	}
	parsed, kerr := x509.ParsePKCS8PrivateKey(key)
	private, ok := parsed.(*ecdsa.PrivateKey)
	if kerr != nil || !ok {
		return nil, fmt.Errorf("certificate authority: %s holds no ECDSA key; %s", keyPath, remedy)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("certificate authority: the key %s is there, %s is not; put it back, or %s", keyPath, path, remedy)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w; %s", err, remedy)
	}
	root, err := x509.ParseCertificate(cert)
	switch {
	case err != nil || !root.IsCA:
		return nil, fmt.Errorf("certificate authority: %s is no authority's certificate; %s", path, remedy)
	case !private.PublicKey.Equal(root.PublicKey):
		return nil, fmt.Errorf("certificate authority: %s is not the key of %s; %s", keyPath, path, remedy)
	case time.Now().After(root.NotAfter):
		return nil, fmt.Errorf("certificate authority: %s has held until %s; %s", path, root.NotAfter.UTC().Format(time.RFC3339), remedy)
	}
	return &Authority{root: root, key: private}, nil
}

func readPEM(path, kind string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s does not hold one PEM block of type %s", path, kind)
	}
	return block.Bytes, nil
}

// keep writes the authority: its key first, so that a certificate that is
// trusted always has one.
func (a *Authority) keep(dir string) error {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := WriteSecret(filepath.Join(dir, authorityKeyFile), key); err != nil {
		return err
	}
	return WriteSecret(filepath.Join(dir, AuthorityFile), a.PEM())
}

// WriteSecret writes a file that its owner alone may read, in one piece:
// whoever opens path finds the old content or the new, whole.
func WriteSecret(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
