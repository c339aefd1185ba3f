package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"vpnd/internal/resource"
)

// Fingerprint returns a digest of all that the plan would do and of the state
// of the host that it starts from, under a salt that the caller chose at
// random. Two plans with one fingerprint do the same to the same host. A secret
// takes part as what seal makes of it, so that the fingerprint can be shown to
// somebody who would guess at it.
func (p *Plan) Fingerprint(salt []byte, seal func(resource.Secret) any) (string, error) {
	mac := hmac.New(sha256.New, salt)
	e := json.NewEncoder(mac)
	for _, c := range p.Changes {
		step := []any{c.ID, c.Action, c.Reason, c.Cost}
		for _, shape := range []any{c.item.got, c.item.Want} {
			if shape == nil {
				step = append(step, nil)
				continue
			}
			data, err := resource.Encode(shape, seal)
			if err != nil {
				return "", err
			}
			step = append(step, data)
		}
		if err := e.Encode(step); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(mac.Sum(nil)), nil
}
